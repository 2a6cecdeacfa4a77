#!/usr/bin/env python3
"""Turns the machine-extracted facts of the Kubernetes API (types.json, resources.json) into the compact schema
under src/Timonier.Api/Schema/Facts. Run once per Kubernetes level:

    tools/import-schema.py ../shared/kubernetes-api src/Timonier.Api/Schema/Facts

The format is described in docs/schema.md."""
import json, os, sys

source, target = sys.argv[1], sys.argv[2]
facts = json.load(open(f"{source}/types.json"))
resources = json.load(open(f"{source}/resources.json"))
os.makedirs(target, exist_ok=True)


def word(text):
    text = str(text)
    return json.dumps(text, ensure_ascii=False).replace(" ", "\\u0020") if (" " in text or text == "" or text[0] == '"') else text


def type_text(text, group):
    if text.startswith("list<"):
        return "[]" + type_text(text[5:-1], group)
    if text.startswith("map<"):
        return "{}" + type_text(text[4:-1].split(",", 1)[1], group)
    if text.startswith("ref:"):
        text = text[4:]
        return text[len(group) + 1:] if text.startswith(group + ".") else text
    return text


def field_text(field, group):
    name = field.get("json") or ("+" if field.get("inline") else "." + field["goName"])
    name += "!" if field.get("required") else ""
    name += "?" if field.get("omitempty") else ""
    out = [name, ("*" if field.get("pointer") else "") + type_text(field["type"], group)]
    if "proto" in field:
        out.append(str(field["proto"]))
    if "default" in field:
        out.append("=" + json.dumps(field["default"], separators=(",", ":")).replace(" ", "\\u0020"))
    if "enum" in field:
        out.append(("enum~:" if field.get("enumOpen") else "enum:") + "|".join(word(v) for v in field["enum"]))
    if "listType" in field:
        keys = field.get("listMapKeys")
        out.append("list:" + field["listType"] + ("(" + ",".join(keys) + ")" if keys else ""))
    for key, label in (("mapType", "map"), ("structType", "struct")):
        if key in field:
            out.append(f"{label}:{field[key]}")
    if "patchStrategy" in field:
        key = field.get("patchMergeKey")
        out.append("patch:" + field["patchStrategy"] + (f"({key})" if key else ""))
    for key, label in (("protoWrapped", "wrapped"), ("unionDiscriminator", "discriminator"), ("unionMember", "member")):
        if field.get(key):
            out.append(label)
    for key in ("oneOf", "zeroOrOneOf"):
        if key in field:
            out.append(f"{key}:{word(field[key])}")
    for key, value in field.get("constraints", {}).items():
        out.append(f"{key}:{word(value if not isinstance(value, (dict, list, bool)) else json.dumps(value, separators=(',', ':')))}")
    return " ".join(out)


for key, group in facts["groups"].items():
    lines = [f"group {key} {group['apiGroup'] or '-'} {group['version']} {group.get('openapiPrefix') or '-'}", ""]
    for name, t in facts["types"].items():
        if name.rsplit(".", 1)[0] != key:
            continue
        head = [name.rsplit(".", 1)[1]]
        head += [flag for flag in ("kind", "list", "typeMeta", "noProto", "customJson", "noOpenapi", "union") if t.get(flag)]
        if "structType" in t:
            head.append("struct:" + t["structType"])
        if "mapType" in t:
            head.append("map:" + t["mapType"])
        if "alias" in t:
            head.append("alias:" + t["alias"])
        lines.append(" ".join(head))
        lines += ["  " + field_text(f, key) for f in t.get("fields", []) if f["type"] != "ref:meta/v1.TypeMeta"]
    open(f"{target}/{key.replace('/', '_')}.schema", "w").write("\n".join(lines) + "\n")

lines = []
for group, info in resources["groups"].items():
    lines.append(f"group {group or '-'} preferred:{info['preferredVersion']} versions:{','.join(info['versions'])}")
for r in resources["resources"]:
    out = ["resource", r["type"], r["plural"], r.get("singular") or r["kind"].lower(), r["kind"], "namespaced" if r["namespaced"] else "cluster", r["served"]]
    if r.get("group") != facts["groups"][r["type"].rsplit(".", 1)[0]]["apiGroup"]:
        out.append("group:" + r["group"])
    for key, label in (("shortNames", "short"), ("categories", "categories"), ("fieldSelectors", "fields")):
        if r.get(key):
            out.append(f"{label}:{','.join(r[key])}")
    every = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    out.append("verbs:" + ("*" if r["verbs"] == every else ",".join(r["verbs"])))
    if "storage" in r:
        s = r["storage"]
        out.append(f"stored:{s['group'] or '-'}/{s['version']}")
        out.append(f"hash:{s['hash']}")
        out.append(f"prefix:{r['etcdPrefix']}")
    for key in ("introduced", "deprecated", "removed"):
        if key in r:
            out.append(f"{key}:{r[key]}")
    if "replacement" in r:
        p = r["replacement"]
        out.append(f"replacement:{p['group'] or '-'}/{p['version']}/{p['kind']}")
    lines.append(" ".join(out))
    for s in r.get("subresources", []):
        out = ["  " + s["name"], s["kind"], "verbs:" + ",".join(s["verbs"])]
        if "group" in s or "version" in s:
            out.append(f"group:{s.get('group') or '-'}/{s.get('version', 'v1')}")
        if s.get("connect"):
            out.append("connect")
        if "options" in s:
            out.append("options:" + s["options"])
        lines.append(" ".join(out))
open(f"{target}/resources.schema", "w").write("\n".join(lines) + "\n")
