"""Checks bills of materials with foreign code: sbom.py CYCLONEDX SPDX

CycloneDX against the official JSON schema, SPDX with the SPDX project's own parser and
validator, and both against each other: the same packages, the same files, the same digests.
Prints nothing but what is wrong; the exit code is 1 if anything is.
"""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document


def cyclonedx_mistakes(text):
    error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return [f"cyclonedx: {error}"] if error else []


def spdx_mistakes(path):
    document = parse_file(path)
    return [f"spdx: {m.validation_message} ({m.context.spdx_id})" for m in validate_full_spdx_document(document)]


def cyclonedx_rows(document):
    purls, files = set(), {}
    for component in document["components"]:
        if names_package(component):
            purls.add(component["purl"])
        for file in component.get("components", []):
            files[file["name"]] = (component["name"], file["hashes"][0]["content"])
    built_with = formula_purls(document["formulation"][0])
    return purls, built_with, files


def formula_purls(formula):
    return {part["purl"] for part in formula["components"] if names_package(part)}


def names_package(component):
    """Packages, and sources whose commit has a package URL; images are told of in other ways."""
    return "purl" in component and not component["purl"].startswith("pkg:oci/")


def spdx_rows(document):
    packages = {package["SPDXID"]: package for package in document["packages"]}
    owners = {
        row["relatedSpdxElement"]: row["spdxElementId"]
        for row in document["relationships"]
        if row["relationshipType"] == "CONTAINS"
    }
    references = [reference for package in packages.values() for reference in package.get("externalRefs", [])]
    purls, built_with = (
        {
            reference["referenceLocator"]
            for reference in references
            if reference["referenceType"] == kind and not reference["referenceLocator"].startswith("pkg:oci/")
        }
        for kind in ("purl", "build-purl")
    )
    files = {}
    for file in document["files"]:
        digests = {row["algorithm"]: row["checksumValue"] for row in file["checksums"]}
        files[file["fileName"].removeprefix(".")] = (packages[owners[file["SPDXID"]]]["name"], digests["SHA256"])
    return purls, built_with, files


def main(cyclonedx_path, spdx_path):
    with open(cyclonedx_path, encoding="utf-8") as file:
        cyclonedx = file.read()
    with open(spdx_path, encoding="utf-8") as file:
        spdx = json.load(file)
    mistakes = cyclonedx_mistakes(cyclonedx) + spdx_mistakes(spdx_path)
    kinds = ("packages", "packages that were built with", "files")
    for kind, ours, theirs in zip(kinds, cyclonedx_rows(json.loads(cyclonedx)), spdx_rows(spdx)):
        if ours != theirs:
            mistakes.append(f"the two forms list different {kind}")
    print("\n".join(mistakes), end="")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
