"""A small mesh to simulate, in which much goes wrong; and what tests change in it."""

from __future__ import annotations

from typing import Any

from core.yaml_text import read_yaml, write_yaml
from movement.engine.simulation.run import Outcome, simulate
from movement.engine.simulation.scenario import Scenario, read_scenario

SMALL = """
title: A small mesh
days: 15
seed: 3
settings: {scrub_days: 6, removal_hours: 6}
sites:
  - name: eu
    count: 4
    kind: core
    jurisdictions: [DE, EU]
    outages: {every_days: 6, hours: 5}
    stores:
      - {terabytes: 40, slots: 4, cost_gb_month: 0.02, rot_every_days: 600}
  - name: us
    count: 3
    kind: core
    jurisdictions: [US]
    outages: {every_days: 9, hours: 30}
    grace_hours: 24
    stores:
      - {terabytes: 40, slots: 4, cost_gb_month: 0.01, rot_every_days: 600}
  - name: ship
    count: 2
    kind: mobile
    jurisdictions: [PT, EU]
    grace_hours: 240
    windows: [{days: [mon, wed, fri], from: "22:00", to: "06:00", bytes_per_second: 90000000}]
    stores: [{slots: 2, cost_gb_month: 0.05}]
links:
  - {from: "*", to: "*", megabytes_per_second: 80, failure_rate: 0.1, cost_per_gb: 0.02}
  - {from: "eu-*", to: "eu-*", limit_megabytes_per_second: 300, slots: 4}
  - {from: "ship-*", to: "us-*", open: false}
data:
  - {name: /acme/~/web, versions: 60, files: 40, gigabytes: 200, at: "us-*"}
  - {name: /acme/~/press, versions: 60, files: 40, gigabytes: 200, at: "eu-*"}
  - {name: /fleet/~/sonar, versions: 30, files: 40, gigabytes: 100, at: "ship-*", over_days: 11}
policies:
  - {id: two, spec: {copies: 2, time_to_replicate_minutes: 2880}}
  - {id: far, scope: {prefix: /acme/~/web}, spec: {jurisdictions: 2, never_sites: [eu-1]}}
  - {id: personal, scope: {labels: [pii:email]}, spec: {residency: [EU], copies: 3}}
events:
  - {at_hours: 50, site: us-2, becomes: destroyed}
  - {at_hours: 60, site: eu-4, becomes: draining}
  - {at_hours: 120, data: /acme/~/press, labels: [pii:email]}
  - {at_hours: 200, policy: {id: home, scope: {prefix: /fleet}, spec: {residency: [EU]}}}
"""


def small(**changes: Any) -> Scenario:
    """Return the small mesh with some members of its document changed."""
    return read_scenario(write_yaml({**read_yaml(SMALL), **changes}))


def ran(**changes: Any) -> Outcome:
    return simulate(small(**changes))


def still(**changes: Any) -> Scenario:
    """Return a mesh of three sites in which nothing goes wrong but what is added."""
    sites = [
        {"name": name, "kind": "core", "jurisdictions": [code], "stores": [{"cost_gb_month": 0.03}]}
        for name, code in (("lisbon", "PT"), ("oslo", "NO"), ("tokyo", "JP"))
    ]
    document = {
        "title": "Still",
        "days": 10,
        "settings": {"scrub_days": 1},
        "sites": sites,
        "links": [{"from": "*", "to": "*", "megabytes_per_second": 100, "cost_per_gb": 0.02}],
        "data": [
            {"name": "/acme/~/maps", "versions": 10, "files": 10, "gigabytes": 100, "at": "lisbon"}
        ],
        "policies": [{"id": "two", "spec": {"copies": 2, "never_sites": ["tokyo"]}}],
    }
    return read_scenario(write_yaml({**document, **changes}))
