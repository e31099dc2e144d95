"""Licences of what is installed, as its metadata and the cards of its weights state them."""

import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from detbench.core.fingerprints import installed_distribution
from detbench.core.paths import CARD_NAME, shipped

AGPL = "AGPL-3.0"
"""As ultralytics and the cards of its weights name it."""

NOT_STATED = "not stated"
TOOLS = ("dev", "docs")
"""Extras of what works on detbench and is no part of it when it runs."""


def is_agpl(licence: str) -> bool:
    """Whether a licence, as it is stated, is the GNU Affero General Public License."""
    return licence.startswith("AGPL") or "Affero" in licence


def stated_licence(package: Distribution) -> str:
    """The licence in a package's metadata: its SPDX expression, else the older field where that is one line, else the
    classifiers, else that it is not stated.
    """
    fields = {name: package.metadata.get_all(name) or [] for name in ("License-Expression", "License", "Classifier")}
    expression, older = ("".join(fields[name]).strip() for name in ("License-Expression", "License"))
    if stated := expression or (older if "\n" not in older else ""):
        return stated
    classifiers = (text for text in fields["Classifier"] if text.startswith("License ::"))
    return ", ".join(text.rpartition(" :: ")[2] for text in classifiers) or older.partition("\n")[0] or NOT_STATED


def required_packages() -> Iterator[Distribution]:
    """The installed packages that detbench requires itself, of its extras those that are there."""
    from packaging.requirements import Requirement

    try:
        ours = distribution("detbench")
    except PackageNotFoundError:  # a checkout that is not installed
        return
    extras = [{"extra": extra} for extra in ("", *ours.metadata.get_all("Provides-Extra", ())) if extra not in TOOLS]
    for requirement in map(Requirement, ours.requires or ()):
        is_used = requirement.marker is None or any(map(requirement.marker.evaluate, extras))
        if is_used and (found := installed_distribution(requirement.name)):
            yield found


def weights_licences() -> dict[str, str]:
    """The licence of each shipped network's weights by its folder's name, without the reason that its card gives."""
    cards = sorted(shipped("models").glob(f"*/{CARD_NAME}"))
    licences = {card.parent.name: tomllib.loads(card.read_text(encoding="utf-8")).get("licence") for card in cards}
    return {name: str(licence or NOT_STATED).partition(",")[0] for name, licence in licences.items()}
