#!/usr/bin/env python3
"""Where can a client tell this server from kube-apiserver? Sends the same dry-run creates to both and prints what differs.

  tools/peer.py https://UPSTREAM TOKEN https://OURS TOKEN [RESOURCE...]

Takes the good objects of tests/Timonier.ApiServer.Tests/Peer/faults.json, changes or removes each of their fields in turn, and compares code, causes and the
object made. Both servers need a namespace p1. A difference is a question, not a fault: 1.20 says many things otherwise than 1.36.
"""
import copy, http.client, json, pathlib, re, ssl, sys, urllib.parse

bases = json.loads((pathlib.Path(__file__).parent.parent / "tests/Timonier.ApiServer.Tests/Peer/faults.json").read_text())["bases"]
connections = {}


def send(url, token, path, body):
    if url not in connections:
        connections[url] = http.client.HTTPSConnection(urllib.parse.urlparse(url).netloc, context=ssl._create_unverified_context(), timeout=30)
    connections[url].request("POST", path + "?dryRun=All", json.dumps(body), {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "User-Agent": "peer"})
    answer = connections[url].getresponse()
    return answer.status, json.loads(answer.read())


def places(value, path=()):
    yield path, value
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, path + (key,))


def changes(value):
    yield "removed", None
    by_type = {bool: ["x"], str: ["", "Bad_Name!", "a" * 300], int: [-1, 0, 70000], dict: [{}], list: [[], [*value, *value] if isinstance(value, list) else []]}
    yield from ((json.dumps(new)[:40], new) for new in by_type.get(type(value), []))


def changed(obj, path, name, new):
    obj = at = copy.deepcopy(obj)
    for step in path[:-1]:
        at = at[step]
    if name == "removed":
        del at[path[-1]]
    else:
        at[path[-1]] = new
    return obj


def shown(code, body):
    """What is compared: causes without the values they show, or the object without what each server makes up."""
    causes = (body.get("details") or {}).get("causes")
    if causes:
        return code, sorted((c.get("field"), re.sub(r"value: .*: ", "value: ", c["message"].replace("characters", "bytes"), flags=re.S)) for c in causes)
    if code >= 400:
        return code, "undecodable" if "cannot be handled as" in body.get("message", "") else body.get("message")
    text = json.dumps({k: v for k, v in body.items() if k != "metadata"}, sort_keys=True)
    return code, re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "...", text)


def main(upstream, upstream_token, ours, our_token, *resources):
    requests = different = 0
    for resource, base in bases.items():
        if resources and resource not in resources:
            continue
        for path, value in places(base["object"]):
            for name, new in changes(value) if path and path[0] not in ("apiVersion", "kind", "metadata") else ():
                body = changed(base["object"], path, name, new)
                theirs, mine = shown(*send(upstream, upstream_token, base["path"], body)), shown(*send(ours, our_token, base["path"], body))
                requests += 1
                if theirs != mine:
                    different += 1
                    print(f"{resource} {'.'.join(map(str, path))} {name}\n  upstream {theirs}\n  ours     {mine}")
    print(f"{requests} requests, {different} differ")


main(*sys.argv[1:])
