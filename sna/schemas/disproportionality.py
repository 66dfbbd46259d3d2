"""The roles of people, what follows each, and the facts a record may lack, in words."""

ROLES = {  # role in the record -> how a sentence names the people
    "victim": "people recorded as victims",
    "suspect": "people recorded as suspects",
    "searched": "people searched",
    "detained": "people detained",
    "proceeded_against": "people proceeded against",
}
NOUNS = {
    "victim": "recorded victims",
    "suspect": "recorded suspects",
    "searched": "searches",
    "detained": "detentions",
    "proceeded_against": "people",
}
ROLE_FILES = {  # role -> layouts of files that name such people
    "victim": {"extract"},
    "suspect": {"extract"},
    "searched": {"police_uk_stop_search", "mps_more_thorough_search"},
    "detained": {"mps_custody"},
    "proceeded_against": {"mps_homicide_accused"},
}
_CHARGED = ("charged", r"charg|summons")
NEXT_STAGE = {  # the stage after a role, and the outcomes that reach it
    "searched": ("arrested", "arrest"),
    "suspect": _CHARGED,
    "detained": _CHARGED,
    "proceeded_against": _CHARGED,
}
FACTS = {
    "self_defined": "Ethnicity, self-defined",
    "officer_observed": "Ethnicity, officer-observed",
    "age": "Age",
    "sex": "Sex",
}
