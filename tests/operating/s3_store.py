"""An S3 store for tests: moto's server, which checks who asks."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from servers import START_LIMIT, free_port, stop

BUCKET = "logs"
_ANYBODY = {"aws_access_key_id": "setup", "aws_secret_access_key": "setup", "region_name": "us-east-1"}
_MAY_ALL = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
_CALLS_OF_SETUP = 5  # those are not checked: nobody has a key yet


@dataclass(frozen=True, slots=True)
class S3:
    """Its address, and the one key that may do everything in it."""

    url: str
    key: str
    secret: str

    def place(self, name: str) -> str:
        return f"{self.url}/{BUCKET}/{name}"

    def objects(self, prefix: str) -> list[str]:
        """The names of the objects below a prefix."""
        client = boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
            region_name="us-east-1",
        )
        found = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [each["Key"] for each in found.get("Contents", [])]


@contextmanager
def s3_store() -> Iterator[S3]:
    """Start one with an empty bucket."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(_CALLS_OF_SETUP)},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(port)
        boto3.client("s3", endpoint_url=url, **_ANYBODY).create_bucket(Bucket=BUCKET)
        people = boto3.client("iam", endpoint_url=url, **_ANYBODY)
        people.create_user(UserName="backup")
        people.put_user_policy(UserName="backup", PolicyName="all", PolicyDocument=_MAY_ALL)
        made = people.create_access_key(UserName="backup")["AccessKey"]
        people.list_users()
        yield S3(url, made["AccessKeyId"], made["SecretAccessKey"])
    finally:
        stop(process)


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the S3 store does not answer"
            time.sleep(0.05)
