"""The words and strata of a comparison of people."""

ROLES = {  # role in the record -> how a sentence names the people
    "victim": "people recorded as victims",
    "suspect": "people recorded as suspects",
    "searched": "people searched",
    "detained": "people detained",
    "proceeded_against": "people proceeded against",
}
KINDS = ("borough_code", "reading", "year", "stage")  # what a comparison may run over
STRATA = ("context", "sex", "age_group", "ethnic_group")
