"""Validates a crate by roc-validator, which has an environment of its own (it wants an older rich than stylepipe).

    python -m venv crates && crates/bin/pip install roc-validator 'rocrate<0.16'
    STYLEPIPE_CRATE_VALIDATOR=crates/bin/python pytest tests/sharing/test_crate.py

Without a network: of the web it needs RO-Crate's JSON-LD context only, which comes with rocrate. Prints what is wrong.
"""

import io
import json
import sys
import urllib.request
from email.message import Message
from importlib.resources import files
from urllib.response import addinfourl

import requests
import urllib3

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
BODY = files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()


class FromHere(requests.adapters.HTTPAdapter, urllib.request.BaseHandler):
    """Answers for the one address, to both libraries that ask."""

    handler_order = 1

    def send(self, request, *arguments, **options):
        if request.url != CONTEXT:
            raise requests.ConnectionError(f"{request.url} is not here")
        headers = {"Content-Type": "application/ld+json"}
        raw = urllib3.HTTPResponse(io.BytesIO(BODY), headers, 200, preload_content=False, request_url=CONTEXT)
        return self.build_response(request, raw)

    def https_open(self, request):
        if request.full_url != CONTEXT:
            raise OSError(f"{request.full_url} is not here")
        headers = Message()
        headers["Content-Type"] = "application/ld+json"
        answer = addinfourl(io.BytesIO(BODY), headers, CONTEXT, 200)
        answer.msg = "OK"
        return answer


def main(crate: str, severity: str) -> int:
    from rocrate_validator import models, services

    settings = services.ValidationSettings(
        rocrate_uri=crate,
        profile_identifier="workflow-run-crate",
        requirement_severity=models.Severity[severity],
        skip_availability_check=True,
    )
    result = services.validate(settings)
    for issue in result.get_issues():
        print(issue.severity.name, issue.check.identifier, issue.message)
    return 0 if result.passed() else 1


if __name__ == "__main__":
    if json.loads(BODY)["@id"] != CONTEXT:
        sys.exit("this rocrate has another version's context; install 'rocrate<0.16'")
    requests.adapters.HTTPAdapter.send = FromHere.send
    urllib.request.install_opener(urllib.request.build_opener(FromHere()))
    sys.exit(main(*sys.argv[1:]))
