"""Makes a bucket in an emulator of S3, and a user who may use it; writes the user's access key to standard output.

The emulator counts requests: the first four need no key, all later ones are signed by a key that it knows, or refused.
"""

import json
import sys

import boto3

where = {"endpoint_url": sys.argv[1], "region_name": "eu-west-1", "aws_access_key_id": "none", "aws_secret_access_key": "none"}
iam, s3 = boto3.client("iam", **where), boto3.client("s3", **where)
s3.create_bucket(Bucket="results", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
iam.create_user(UserName="kiln")
policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], "Resource": "*"}],
}
iam.put_user_policy(UserName="kiln", PolicyName="results", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="kiln")["AccessKey"]
print(key["AccessKeyId"], key["SecretAccessKey"])
