"""The HTTP API over a real store."""

import csv
import io
import json

import httpx
from web.conftest import RECORDS
from web.serving import answered, refused


def test_records_come_oldest_first_with_typed_fields(page: httpx.Client) -> None:
    found = answered(page, "search", query="namespace=prod")
    assert [record["offset"] for record in found["records"]] == sorted(r["offset"] for r in found["records"])
    assert len(found["records"]) == len(RECORDS)
    fields = found["records"][0]["fields"]
    assert (fields["took"], fields["status"]) == (0.35, 200)
    assert found["records"][0]["labels"] == {"app.kubernetes.io/name": "shop"}
    assert found["next"] is None


def test_pages_leave_no_gap_and_repeat_nothing(page: httpx.Client) -> None:
    whole = [record["id"] for record in answered(page, "search")["records"]]
    walked: list[str] = []
    cursor = ""
    while cursor is not None:
        found = answered(page, "search", limit=2, cursor=cursor)
        walked = [record["id"] for record in found["records"]] + walked
        cursor = found["next"]
    assert len(whole) == len(RECORDS) + 1
    assert walked == whole


def test_a_table_comes_with_its_columns(page: httpx.Client) -> None:
    found = answered(page, "search", query="namespace=prod | stats count() as n by level | sort n desc")
    assert [column["name"] for column in found["columns"]] == ["level", "n"]
    assert ["info", 2] in [list(row) for row in found["rows"]]


def test_an_error_names_its_place(page: httpx.Client) -> None:
    told = refused(page, "search", 400, query="level=error\nand status>=(")
    assert told["place"]["line"] == 2
    assert told["place"]["column"] > 1
    assert told["hint"] or told["error"]


def test_unknown_and_impossible_parameters_are_named(page: httpx.Client) -> None:
    assert "qwery" in refused(page, "search", 400, qwery="x")["error"]
    assert "limit" in refused(page, "search", 400, limit="-1")["error"]
    assert "step" in refused(page, "hist", 400, step="soon")["error"]
    assert "zone" in refused(page, "search", 400, tz="../../etc/passwd")["error"]


def test_a_download_is_complete_in_every_format(page: httpx.Client) -> None:
    parameters = {"query": "namespace=prod", "limit": 0, "download": "true"}
    lines = page.get("/api/v1/search", params={**parameters, "format": "jsonl", "fields": "*"})
    assert "attachment" in lines.headers["content-disposition"]
    assert [json.loads(line)["offset"] for line in lines.text.splitlines()] == sorted(
        json.loads(line)["offset"] for line in lines.text.splitlines()
    )
    assert len(lines.text.splitlines()) == len(RECORDS)
    table = list(
        csv.reader(io.StringIO(page.get("/api/v1/search", params={**parameters, "format": "csv"}).text))
    )
    assert len(table) == len(RECORDS) + 1
    assert page.get("/api/v1/search", params={**parameters, "format": "raw"}).content == (
        b"\n".join(RECORDS) + b"\n"
    )


def test_a_spreadsheet_computes_nothing_of_a_download(page: httpx.Client) -> None:
    answer = page.get("/api/v1/search", params={"format": "csv", "query": '"cmd"', "fields": "message"})
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[1][0].startswith("'=cmd")


def test_the_histogram_counts_all_records_by_level(page: httpx.Client) -> None:
    found = answered(page, "hist", query="namespace=prod", step="1m")
    assert found["total"] == len(RECORDS)
    assert {series["name"]: sum(series["counts"]) for series in found["series"]}["info"] == 2


def test_fields_and_values_are_counted(page: httpx.Client) -> None:
    fields = {field["name"]: field for field in answered(page, "fields", query="namespace=prod")["fields"]}
    assert fields["status"]["records"] == 4
    assert "~app.kubernetes.io/name" in fields
    values = answered(page, "values", field="status", query="namespace=prod")["values"]
    assert {value["value"]: value["count"] for value in values} == {"200": 2, "500": 1, "404": 1}


def test_patterns_group_messages(page: httpx.Client) -> None:
    patterns = answered(page, "patterns", query="namespace=prod order")["patterns"]
    assert max(pattern["count"] for pattern in patterns) == 2


def test_a_record_is_found_by_its_id_with_its_neighbours(page: httpx.Client) -> None:
    target = answered(page, "search", query="status=404")["records"][0]
    whole = answered(page, "record", id=target["id"])
    assert whole["raw"] == RECORDS[2].decode()
    around = answered(page, "context", id=target["id"], before=1, after=2)
    assert [record["offset"] for record in around["records"]][around["at"]] == target["offset"]
    assert len(around["records"]) == 4
    refused(page, "record", 404, id="1.1.1")
    refused(page, "record", 400, id="x")


def test_completion_knows_fields_values_and_stages(page: httpx.Client) -> None:
    texts = [item["text"] for item in answered(page, "complete", query="cont", position=4)["items"]]
    assert texts[0] == "container"
    found = answered(page, "complete", query="namespace=st", position=12)
    assert (found["from"], found["items"][0]["text"]) == (10, "staging")
    stages = answered(page, "complete", query="x | pat", position=7)
    assert stages["items"][0]["text"] == "patterns"


def test_saved_queries_are_kept_changed_and_deleted_one_at_a_time(page: httpx.Client) -> None:
    made = [
        page.post("/api/v1/saved", json={"name": f"tab {number}", "query": "level>=error"}).json()
        for number in range(3)
    ]
    page.put(f"/api/v1/saved/{made[1]['id']}", json={"name": "other", "query": "status=500", "position": 9})
    assert page.delete(f"/api/v1/saved/{made[0]['id']}").status_code == 204
    kept = {each["name"]: each for each in answered(page, "saved")["saved"]}
    assert list(kept) == ["tab 2", "other"]
    assert kept["other"]["query"] == "status=500"
    wrong = page.post("/api/v1/saved", json={"name": "wrong", "query": "level>="})
    assert wrong.status_code == 400
    assert "place" in wrong.json()


def test_namespaces_and_me_tell_what_may_be_read(page: httpx.Client) -> None:
    names = {each["name"]: each["records"] for each in answered(page, "namespaces")["namespaces"]}
    assert names == {"prod": len(RECORDS), "staging": 1}
    assert answered(page, "me")["mode"] == "none"


def test_every_answer_carries_the_headers_that_keep_scripts_out(page: httpx.Client) -> None:
    for path in ("/", "/api/v1/me", "/api/v1/search", "/nowhere"):
        policy = page.get(path).headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
