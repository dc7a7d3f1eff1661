"""Checks manifests against the models of Debian's python3-kubernetes, which are made from the API's own OpenAPI
description (Kubernetes 1.22): types, required fields, and fields that there are not."""

import re

from kubernetes import client

KINDS = {("v1", "ConfigMap"): "V1ConfigMap", ("apps/v1", "Deployment"): "V1Deployment"}
PLAIN = {"str": str, "int": int, "bool": bool, "float": float}


def problems(document):
    """What is wrong with a manifest, each with its path."""
    kind = (document.get("apiVersion"), document.get("kind"))
    if kind not in KINDS:
        return [f"{kind} is none of {sorted(KINDS)}"]
    return list(check(document, KINDS[kind], document["kind"]))


def check(value, kind, path):
    """A value against the name of a type: a plain one, a list, a dictionary, or a model."""
    container = re.fullmatch(r"(list)\[(.*)\]|(dict)\(str, (.*)\)", kind)
    if container and container[1]:
        yield from check_items(enumerate(value), container[2], path) if isinstance(value, list) else no(value, kind, path)
    elif container:
        yield from check_items(value.items(), container[4], path) if isinstance(value, dict) else no(value, kind, path)
    elif kind in PLAIN:
        yield from () if type(value) is PLAIN[kind] else no(value, kind, path)
    elif kind != "object":
        yield from check_model(value, getattr(client, kind), path) if isinstance(value, dict) else no(value, kind, path)


def no(value, kind, path):
    yield f"{path}: is {value!r}; expected {kind}"


def check_items(items, kind, path):
    for key, value in items:
        yield from check(value, kind, f"{path}[{key}]")


def check_model(value, model, path):
    names = {wire: name for name, wire in model.attribute_map.items()}
    known = {names[key]: item for key, item in value.items() if key in names}
    for key in value.keys() - names.keys():
        yield f"{path}.{key}: {model.__name__} has no such field"
    for name, item in known.items():
        yield from check(item, model.openapi_types[name], f"{path}.{model.attribute_map[name]}")
    try:
        model(**known)  # the models' own rules: what is required
    except ValueError as wrong:
        yield f"{path}: {wrong}"
