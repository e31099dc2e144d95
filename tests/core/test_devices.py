from types import SimpleNamespace

import pytest

from detbench.core import devices
from detbench.core.devices import device_name, multiplies_in_bf16, resolve_device
from detbench.errors import UsageError

CARDS = ("Card A", "Card B")


@pytest.fixture
def two_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver that shows two CUDA devices."""
    monkeypatch.setattr(devices, "_cuda_name", lambda index=0: CARDS[index] if index < len(CARDS) else "")


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose CUDA driver cannot be loaded."""

    def missing(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", missing)


@pytest.mark.usefixtures("two_cards")
@pytest.mark.parametrize(
    ("word", "device", "name"),
    [
        ("auto", "cuda", "Card A"),
        ("cuda", "cuda", "Card A"),
        ("cuda:0", "cuda:0", "Card A"),
        ("cuda:1", "cuda:1", "Card B"),
    ],
)
def test_a_shown_device_is_taken(word: str, device: str, name: str) -> None:
    """`auto` is CUDA where the driver shows one; a numbered device is that one, with its maker's name."""
    assert resolve_device(word) == device
    assert device_name(device) == name


@pytest.mark.usefixtures("two_cards")
def test_the_processor_can_be_chosen() -> None:
    """`cpu` is the processor even beside a CUDA device, and has a name."""
    assert resolve_device("cpu") == "cpu"
    assert device_name("cpu") not in ("", *CARDS)


@pytest.mark.usefixtures("no_driver")
def test_without_a_driver_auto_is_the_processor() -> None:
    """Where there is no CUDA driver `auto` is `cpu`, without an error."""
    assert resolve_device("auto") == "cpu"


@pytest.mark.usefixtures("no_driver")
@pytest.mark.parametrize("word", ["cuda", "cuda:0"])
def test_a_device_that_is_not_there(word: str) -> None:
    """CUDA asked for and absent is an error at once, with a way out."""
    with pytest.raises(UsageError, match=rf"no device '{word}' on this machine: use --device cpu"):
        resolve_device(word)


@pytest.mark.usefixtures("two_cards")
def test_a_number_too_high_is_not_there() -> None:
    """Two cards are 0 and 1; 2 is none."""
    with pytest.raises(UsageError, match="no device 'cuda:2' on this machine"):
        resolve_device("cuda:2")


@pytest.mark.usefixtures("two_cards")
@pytest.mark.parametrize(
    "word", ["gpu", "CUDA", "cpu:0", "cuda:", "cuda:one", "cuda:-1", "cuda:²", "cuda:0:0", "mps", ""]
)
def test_an_unknown_word_is_a_usage_error(word: str) -> None:
    """The error repeats the word and says which there are."""
    with pytest.raises(UsageError, match=rf"^no device '{word}': use auto, cpu, cuda or cuda:N$"):
        resolve_device(word)


class Driver:
    """A CUDA driver that answers each call with a status, 0 for success, and knows one name."""

    def __init__(self, **statuses: int) -> None:
        self.statuses = statuses

    def __getattr__(self, call: str) -> object:
        def answer(*arguments: object) -> int:
            if call == "cuDeviceGetName":
                arguments[0].value = b"Card C"  # type: ignore[attr-defined]
            return self.statuses.get(call, 0)

        return answer


@pytest.mark.parametrize("failing", [None, "cuInit", "cuDeviceGet", "cuDeviceGetName"])
def test_the_driver_is_asked(failing: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device is there where every call of the driver succeeds; one that fails means none, not a crash."""
    monkeypatch.setattr("ctypes.CDLL", lambda _: Driver(**({failing: 100} if failing else {})))
    assert resolve_device("auto") == ("cpu" if failing else "cuda")
    if not failing:
        assert device_name("cuda") == "Card C"


@pytest.mark.parametrize(("major", "is_able"), [(7, False), (8, True), (9, True), (None, False)])
def test_gpus_multiply_in_bfloat16_from_ampere_on(
    major: int | None, is_able: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the compute capability that the driver names; without a driver nothing is known."""

    def answer(value: object, attribute: int, _device: object) -> int:
        value._obj.value = major if attribute == 75 else -1
        return 0

    def opened(_name: str) -> SimpleNamespace:
        if major is None:
            raise OSError("no driver")
        return SimpleNamespace(
            cuInit=lambda _flags: 0,
            cuDeviceGet=lambda _device, number: 0 if number == 1 else 101,
            cuDeviceGetAttribute=answer,
        )

    monkeypatch.setattr("ctypes.CDLL", opened)
    assert multiplies_in_bf16("cuda:1") is is_able
    assert not multiplies_in_bf16("cuda:0")
