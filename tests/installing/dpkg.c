/* Stands for the shell and dpkg of a Debian system in tests: it does what kiln's program for them is there for, in a
 * way that a test can tell, without unpacking anything.
 *
 * It says what the plan unpacks and configures, and writes dpkg's database, in which all versions are 1. A package `broken`
 * fails, a package `keys` leaves a private key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void configure(FILE *status, const char *name) {
    printf("Setting up %s ...\n", name);
    if (!strcmp(name, "broken")) {
        printf("it says what is wrong\n"
               "dpkg: error processing package broken (--configure):\n"
               "kiln: failed: broken: installed broken package post-installation script subprocess returned error exit status 1\n"
               "kiln: failed: other: dependency problems - leaving unconfigured\n");
        exit(73);
    }
    if (!strcmp(name, "keys")) {
        printf("kiln: secret: /etc/keys/own.pem\n");
        exit(74);
    }
    fprintf(status, "Package: %s\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\n\n", name);
}

int main(int count, char **words) {
    char line[65536], waiting[65536] = "";
    setbuf(stdout, NULL);
    if (count != 2 || strcmp(words[1], "/run/kiln/install")) {
        /* As `sh -c FILE`: says what is in the file. */
        FILE *file = count == 3 ? fopen(words[2], "r") : NULL;
        if (!file) return 1;
        while (fgets(line, sizeof line, file)) printf("%s", line);
        return 0;
    }
    if (!getenv("DEBIAN_FRONTEND") || strcmp(getenv("DEBIAN_FRONTEND"), "noninteractive")) return 2;
    if (access("/run/kiln/debs", R_OK)) return 3;
    if (!access("/run/kiln/made", F_OK) || !mkdir("/run/kiln/made", 0755)) return 4;
    FILE *plan = fopen("/run/kiln/plan", "r"), *status;
    mkdir("/var", 0755), mkdir("/var/lib", 0755), mkdir("/var/lib/dpkg", 0755);
    status = fopen("/var/lib/dpkg/status", "a");
    if (!plan || !status) return 5;
    while (fgets(line, sizeof line, plan)) {
        int unpacks = strstr(line, "unpack ") != NULL;
        for (char *word = strtok(strchr(line, ' '), " \n"); word; word = strtok(NULL, " \n")) {
            if (!unpacks) continue;
            printf("Unpacking %s ...\n", word);
            strcat(waiting, word), strcat(waiting, " ");
        }
    }
    for (char *word = strtok(waiting, " "); word; word = strtok(NULL, " ")) {
        *strchr(word, '_') = 0;
        configure(status, word);
    }
    return fclose(status);
}
