"""The OpenAPI document, and requests that are made from it."""

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance
from web.serving import answered

from loghouse.web.endpoints import ENDPOINTS
from loghouse.web.openapi import document

SCHEMA = schemathesis.openapi.from_dict(document([each for each in ENDPOINTS if not each.lasts]))


def test_the_document_names_every_endpoint(page: httpx.Client) -> None:
    served = answered(page, "openapi.json")
    for endpoint in ENDPOINTS:
        assert endpoint.method.lower() in served["paths"][endpoint.path]


@SCHEMA.parametrize()
@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_whatever_is_sent_the_answer_is_one_that_the_document_names(
    case: schemathesis.Case, page: httpx.Client
) -> None:
    # What a query or a time may be, a schema cannot say: more is refused than it forbids.
    case.call_and_validate(
        base_url=str(page.base_url), timeout=30, excluded_checks=[positive_data_acceptance]
    )
