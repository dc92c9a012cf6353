"""Regions, zones and environments in one spelling, and the names that hold them. Pure.

Every function reads at most `names.LONGEST` characters of a stranger's word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from bot.incidents.environments import UNKNOWN, Environments
from bot.incidents.keys import normalise
from bot.incidents.names import LONGEST, SEPARATORS, parts_of, terms_of
from bot.incidents.subject_labels import STRONG_ENVS, WEAK_ENVS

# A region in one spelling, by cloud: eu-west-1 (AWS), europe-west1 (Google Cloud), westeurope
# (Azure). A zone of it has a letter behind.
_REGION = re.compile(
    r"((?:us|eu|ap|sa|ca|me|af|il|mx|cn)(?:-gov|-iso[a-z]?)?-(?:north|south|east|west|central)"
    r"[a-z]{0,9}-[0-9])[a-f]?"
    r"|((?:us|europe|asia|australia|northamerica|southamerica|africa|me)-[a-z]{3,12}[0-9]{1,2})"
    r"(?:-[a-f])?"
)
# Amazon's own short codes: euw1, use1, apse2.
_SHORT = re.compile(r"(us|eu|ap|sa|ca|me|af)(ne|nw|se|sw|n|s|e|w|c)([0-9])")
_DIRECTIONS = {
    "n": "north", "s": "south", "e": "east", "w": "west", "c": "central", "ne": "northeast",
    "nw": "northwest", "se": "southeast", "sw": "southwest",
}  # fmt: skip
_AZURE = terms_of(
    "westeurope northeurope uksouth ukwest francecentral germanywestcentral swedencentral"
    " norwayeast switzerlandnorth polandcentral italynorth spaincentral eastus eastus2 westus"
    " westus2 westus3 centralus southcentralus northcentralus westcentralus canadacentral"
    " canadaeast brazilsouth southeastasia eastasia japaneast japanwest koreacentral"
    " centralindia southindia australiaeast australiasoutheast uaenorth southafricanorth"
    " israelcentral qatarcentral"
)
_IN_EUROPE = re.compile("europe|uk|france|german|sweden|norway|switz|poland|italy|spain")
# An operator's own word for a part of the world: eu, eu1, us-2, eu-west.
_AREA = re.compile(
    r"(eu|us|ap|apac|emea|uk|de|fr|ca|sa|latam|me|af|au|asia|europe|jp|in|sg|ie)"
    r"-?(north|south|east|west|central)?-?([0-9]{0,2})"
)
_CONTINENT = {"europe": "eu", "emea": "eu", "asia": "ap", "apac": "ap", "australia": "au"}


@lru_cache(maxsize=2048)
def region_name(word: str) -> str:
    """Return a region in one spelling, a zone as its region; any other word in lower case."""
    text = SEPARATORS.sub("-", word[:LONGEST].strip().lower())
    if region := cloud_region(text):
        return region
    # Azure writes `West Europe` and `westeurope`.
    return text if any(map(str.isdigit, text)) else text.replace("-", "")


@lru_cache(maxsize=2048)
def cloud_region(text: str) -> str:
    """Return the region if the text is a cloud's region, its zone or its short code; else ''."""
    if match := _REGION.fullmatch(text):
        return match[1] or match[2]
    if match := _SHORT.fullmatch(text):
        return f"{match[1]}-{_DIRECTIONS[match[2]]}-{match[3]}"
    return text if text in _AZURE else ""


_ZONE_LABELS = (
    "zone", "availability_zone", "az", "topology_kubernetes_io_zone", "failure_domain",
    "label_topology_kubernetes_io_zone", "datacenter", "data_center", "rack",
)  # fmt: skip


def zone_of(labels: Mapping[str, str], region: str) -> str:
    """Return the zone, data centre or rack that the labels name; '' if they name only a region.

    A number (Azure's zones) is a zone of its region, and of none if that is unknown.
    """
    if labels.keys().isdisjoint(_ZONE_LABELS):
        return ""
    for name in _ZONE_LABELS:
        zone = normalise(labels.get(name, "")[:LONGEST]).replace("_", "-").strip("-")
        if zone.isdigit():
            zone = f"{region}-{zone}" if region else ""
        if zone and zone not in (region, cloud_region(zone)):
            return zone
    return ""


def regions_contradict(first: str, second: str) -> bool:
    """Return True if no region can have both names. An unknown name contradicts nothing, nor does
    `eu` or `eu1` the region eu-west-1.
    """
    if "" in (first, second) or first == second:
        return False
    area, other = _area(first), _area(second)
    if area is None or other is None:
        return True
    clouds = cloud_region(first), cloud_region(second)
    if all(clouds):
        return True
    if area[0] != other[0]:
        return True
    if any(clouds):
        # The number of an operator's own word (eu1) is not that of the cloud's (eu-west-1).
        return bool(area[1] and other[1] and area[1] != other[1])
    return any(a and b and a != b for a, b in zip(area[1:], other[1:], strict=True))


@lru_cache(maxsize=2048)
def _area(region: str) -> tuple[str, str, str] | None:
    """Return (continent, direction, number) of a region's name."""
    if region in _AZURE:
        return (
            ("eu" if _IN_EUROPE.search(region) else "us" if "us" in region[4:] else region),
            "",
            "",
        )
    match = re.match(r"(us|eu|ap|sa|ca|me|af|il|mx|cn|europe|asia|australia)-(.*)", region)
    if match and cloud_region(region):
        direction = re.match(r"[a-z]*", match[2].removeprefix("gov-"))
        return _CONTINENT.get(match[1], match[1]), direction[0] if direction else "", ""
    if match := _AREA.fullmatch(region):
        return _CONTINENT.get(match[1], match[1]), match[2] or "", match[3]
    return None


@lru_cache(maxsize=2048)
def is_area(text: str) -> bool:
    """Return True if the word is an operator's own word for a region: `eu1`, `us`, `eu-west`."""
    return _AREA.fullmatch(text) is not None


@lru_cache(maxsize=2048)
def region_inside(text: str) -> str:
    """Return the cloud region in an ARN or a host's name, between dots, colons or slashes."""
    for part in re.split(r"[.:/]", text[:LONGEST].lower()):
        if region := cloud_region(part):
            return region
    return ""


_CLUSTER_WORDS = terms_of("k8s kube kubernetes eks gke aks cluster")
_NOT = frozenset({"non", "not", "no"})  # non-prod


@lru_cache(maxsize=2048)
def split_place(word: str, environments: Environments) -> tuple[str, str, str]:
    """Return (environment, region, rest) of the name of an environment or a cluster.

    `prod-eu1` is (production, eu1, ''); `shop-prod-eu-west-1` is (production, eu-west-1, shop).
    The environment is a declared name, '' if the word holds none, or two.
    """
    parts = parts_of(word)
    env, parts = _take_env(parts, environments)
    region = ""
    for size in (3, 2, 1):
        for start in range(len(parts) - size + 1):
            piece = "-".join(parts[start : start + size])
            area = cloud_region(piece) or (piece if env and is_area(piece) else "")
            if area and not region:
                region = area
                parts = parts[:start] + parts[start + size :]
    rest = [part for part in parts if part not in _CLUSTER_WORDS]
    if not env and (name := environments.name_of("-".join(parts_of(word)))) != UNKNOWN:
        env = name
    return env, region, normalise("-".join(rest)) if rest else ""


def _take_env(parts: list[str], environments: Environments) -> tuple[str, list[str]]:
    """Return the one environment that the parts name, and the other parts."""
    taken: dict[str, list[str]] = {}
    at = 0
    rest: list[str] = []
    while at < len(parts):
        for size in (2, 1):
            piece = parts[at : at + size]
            env = environments.declared("-".join(piece)) if len(piece) == size else ""
            if env and not (rest and rest[-1] in _NOT):
                taken.setdefault(env, []).extend(piece)
                at += size
                break
        else:
            rest.append(parts[at])
            at += 1
    if len(taken) != 1:
        return "", parts
    return next(iter(taken)), rest


@lru_cache(maxsize=2048)
def without_env(namespace: str, environments: Environments) -> str:
    """Return a namespace without the environment and region in its name: `shop` of `shop-prod`."""
    return split_place(namespace, environments)[2] if namespace else ""


@lru_cache(maxsize=2048)  # the alerts of a burst are of few services
def may_be_at_an_end(name: str) -> bool:
    """Return False if neither end of the name is a word for an environment, region or area."""
    parts = parts_of(name)
    ends = {"-".join(end) for size in (1, 2, 3) for end in (parts[:size], parts[-size:])}
    return any(
        end in STRONG_ENVS or end in WEAK_ENVS or cloud_region(end) or is_area(end) for end in ends
    )
