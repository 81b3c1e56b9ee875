"""`heron labels`: two labels nobody trained, taught by five examples each, served and still there after a restart."""

from pathlib import Path
from random import Random

import pytest

from heron import HeronClient
from heron_grpc.classify.manifest import FILE_NAME
from running import heron, launch, stop

pytestmark = pytest.mark.xdist_group("service")

PACK = """
taxonomy: default
revision: 1
categories:
  - id: shipping
    display_name: Shipping
    description: Papers of goods that travel by sea.
  - id: shipping/bill_of_lading
    display_name: Bill of lading
    description: A carrier's receipt for goods shipped.
  - id: shipping/crew_list
    display_name: Crew list
    description: Who sails on a ship.
"""
LADING, CREW = "shipping/bill_of_lading", "shipping/crew_list"
GOODS = ("cotton bales", "steel coils", "cocoa beans", "machine parts", "bagged rice", "frozen tuna", "pine timber")
PORTS = ("Rotterdam", "Santos", "Mombasa", "Busan", "Gdansk", "Halifax", "Genoa", "Durban")
RANKS = ("Master", "Chief officer", "Second engineer", "Bosun", "Able seaman", "Oiler", "Cook", "Electrician")
NAMES = ("Amara Obi", "Piotr Zielak", "Jun Park", "Luis Prado", "Nia Koech", "Sven Dahl", "Ravi Nair", "Ana Reis")


def lading(seed: int) -> str:
    draw = Random(seed)
    goods, start, end = draw.choice(GOODS), *draw.sample(PORTS, 2)
    return (
        f"BILL OF LADING No {draw.randint(1000, 9999)}\nShipper {draw.choice(NAMES)} Trading\nConsignee to order\n"
        f"Vessel MV {draw.choice(NAMES).split()[1]}  Voyage {draw.randint(10, 99)}W\nPort of loading {start}\n"
        f"Port of discharge {end}\n{draw.randint(2, 90)} containers said to contain {goods}, gross weight "
        f"{draw.randint(9, 900)} tonnes\nShipped on board in apparent good order and condition. Freight prepaid.\n"
        f"In witness whereof the carrier has signed {draw.randint(2, 3)} original bills of lading."
    )


def crew(seed: int) -> str:
    draw = Random(seed)
    people = "\n".join(
        f"{number}  {name}  {rank}  seaman's book {draw.randint(10**5, 10**6)}"
        for number, (name, rank) in enumerate(zip(draw.sample(NAMES, 6), draw.sample(RANKS, 6), strict=True), 1)
    )
    return (
        f"IMO CREW LIST\nName of ship {draw.choice(NAMES).split()[1]}  Port of arrival {draw.choice(PORTS)}\n"
        f"Nationality of ship  Last port of call {draw.choice(PORTS)}\nNo  Family name, given names  Rank or rating\n"
        f"{people}\nSignature of the master, authorized agent or officer"
    )


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("shipping")
    (home / "shipping.yaml").write_text(PACK)
    for label, write in (("bill_of_lading", lading), ("crew_list", crew)):
        folder = home / "examples" / label
        folder.mkdir(parents=True)
        for seed in range(5):
            (folder / f"{seed}.txt").write_text(write(seed))
    return home


def _settings(home: Path) -> dict[str, str]:
    return {"HERON_SERVING_LABELS_DIR": str(home / "labels"), "HERON_CLASSIFY_PACKS_DIR": str(home / "packs")}


@pytest.fixture(scope="module")
def taught(given) -> Path:
    pack, examples = str(given / "shipping.yaml"), str(given / "examples")
    done = heron("labels", "add", "--pack", pack, "--examples", examples, **_settings(given))
    assert done.returncode == 0, done.stderr
    return given


def test_labels_taught_by_five_examples_are_served_after_every_start(taught, tmp_path):
    assert f"{LADING}: 5 examples" in heron("labels", "list", **_settings(taught)).stdout
    for start in range(2):
        service = launch(tmp_path / f"log-{start}", **_settings(taught))
        try:
            with HeronClient(service.address) as client:
                for label, write in ((LADING, lading), (CREW, crew)):
                    answers = [client.classify_text(write(seed)) for seed in (100, 101, 102)]
                    leaves = [
                        max((s for s in answer.scores if s.level == 2), key=lambda s: s.probability)
                        for answer in answers
                    ]
                    assert [leaf.category for leaf in leaves] == [label] * 3
                known = client.classify_text("Form W-9 Request for Taxpayer Identification Number and Certification")
                assert known.labels[0].category == "tax/w9"
        finally:
            stop(service)


def test_labels_of_another_encoder_are_refused_and_the_trained_ones_served(taught, tmp_path):
    other = tmp_path / "labels"
    other.mkdir()
    for file in (taught / "labels").iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    manifest = other / FILE_NAME
    manifest.write_text(manifest.read_text().replace('"encoder_sha256": "', '"encoder_sha256": "0'))
    service = launch(tmp_path / "log", **{**_settings(taught), "HERON_SERVING_LABELS_DIR": str(other)})
    try:
        with HeronClient(service.address) as client:
            answer = client.classify_text(lading(100))
        assert answer.model_version == "models/auto/versions/1"
    finally:
        stop(service)
    assert "taught_labels_refused" in (tmp_path / "log").read_text()


def test_examples_of_a_label_the_model_knows_are_refused(given, tmp_path):
    (tmp_path / "w9").mkdir()
    (tmp_path / "w9" / "1.txt").write_text("Form W-9")
    done = heron(
        "labels", "add", "--pack", str(given / "shipping.yaml"), "--examples", str(tmp_path), **_settings(given)
    )
    assert (done.returncode, "knows it already" in done.stderr) == (2, True)


def test_without_its_directories_nothing_is_taught(given):
    done = heron("labels", "add", "--pack", str(given / "shipping.yaml"), "--examples", str(given / "examples"))
    assert (done.returncode, "set HERON_SERVING_LABELS_DIR" in done.stderr) == (2, True)
