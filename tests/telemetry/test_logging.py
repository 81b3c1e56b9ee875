"""Nothing a document may have brought in reaches the log, whoever logs it."""

import asyncio
import gc
import io
import logging
import subprocess
import sys

import pytest

from heron_grpc.telemetry.logging import bind_request, configure, get_logger

CANARY = "Geheimnis"


def read(text: str) -> None:
    try:
        {}[text]
    except KeyError as error:
        error.add_note(text)
        raise ValueError(f"cannot read {text}") from error


def failed(text: str = CANARY) -> ValueError:
    try:
        read(text)
    except ValueError as error:
        return error
    raise AssertionError


def test_an_exception_of_ours_is_told_as_types_and_places_through_its_causes(lines) -> None:
    get_logger("here").error("call_crashed", exc_info=failed())
    (line,) = lines()
    assert line["event"] == "call_crashed"
    error, cause = line["exception"].split("; from ")
    assert error.startswith("ValueError at test_logging.py:")
    assert error.split(" < ")[0].endswith(" read")
    assert error.endswith(" failed")
    assert cause.startswith("KeyError at test_logging.py:")
    assert CANARY not in str(line)


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_the_exception_being_handled_is_told_without_its_message(lines, log_format: str) -> None:
    stream = io.StringIO()
    configure("info", log_format, stream)
    try:
        read(CANARY)
    except ValueError:
        get_logger("here").exception("it_failed")
        logging.getLogger("library").exception("It failed")
    assert stream.getvalue().count("ValueError at test_logging.py:") == 2
    assert CANARY not in stream.getvalue()


def test_an_exception_without_a_cause_tells_its_context_unless_suppressed(lines) -> None:
    hidden = ValueError(CANARY)
    hidden.__context__ = KeyError(CANARY)
    get_logger("here").error("open", exc_info=hidden)
    hidden.__suppress_context__ = True
    get_logger("here").error("hidden", exc_info=hidden)
    assert [line["exception"] for line in lines()] == ["ValueError; from KeyError", "ValueError"]


def test_groups_rings_and_deep_recursion_are_told_briefly(lines) -> None:
    def fall() -> None:
        fall()

    ring = ValueError(CANARY)
    ring.__cause__ = KeyError(CANARY)
    ring.__cause__.__cause__ = ring
    get_logger("here").error("group", exc_info=ExceptionGroup(CANARY, [ring, OSError(CANARY)]))
    try:
        fall()
    except RecursionError as error:
        get_logger("here").error("deep", exc_info=error)
    group, deep = lines()
    assert group["exception"] == "ExceptionGroup; from ValueError; from OSError; from KeyError"
    assert len(deep["exception"]) < 3000
    assert CANARY not in str(group)


def test_no_exception_is_told_where_there_is_none(lines) -> None:
    get_logger("here").error("nothing", exc_info=True)
    logging.getLogger("library").exception("Nothing")  # noqa: LOG004  it is about there being none
    assert all("exception" not in line for line in lines())


def test_a_library_s_message_is_told_as_it_stands_in_its_code(lines) -> None:
    logging.getLogger("library").error("Cannot read %s", CANARY, exc_info=failed(), stack_info=True)
    (line,) = lines()
    assert (line["event"], line["library"], line["level"]) == ("library_said", "library", "error")
    assert line["template"] == "Cannot read %s"
    assert line["place"].startswith("test_logging.py:")
    assert line["exception"].startswith("ValueError at ")
    assert CANARY not in str(line)


@pytest.mark.parametrize("message", [f"Cannot read {CANARY}", ValueError(CANARY), {"text": CANARY}])
def test_a_library_s_message_put_together_before_is_not_told(lines, message: object) -> None:
    logging.getLogger("library").error(message)
    (line,) = lines()
    assert "template" not in line
    assert line["place"].startswith("test_logging.py:")
    assert CANARY not in str(line)


async def test_a_task_nobody_waited_for_is_told_without_its_message(lines) -> None:
    async def fail() -> None:
        read(CANARY)

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    del task
    gc.collect()
    (line,) = lines()
    assert (line["library"], line["level"]) == ("asyncio", "error")
    assert "ValueError at test_logging.py:" in line["exception"]
    assert CANARY not in str(line)


def test_a_callback_s_arguments_are_not_told(lines) -> None:
    async def call() -> None:
        asyncio.get_running_loop().call_soon(read, CANARY)
        await asyncio.sleep(0)

    asyncio.run(call())
    (line,) = lines()
    assert line["library"] == "asyncio"
    assert CANARY not in str(line)


def test_a_library_s_own_handler_writes_nothing_and_its_chatter_is_dropped(lines) -> None:
    chatty, own = logging.getLogger("chatty"), io.StringIO()
    chatty.addHandler(logging.StreamHandler(own))
    chatty.propagate = False
    chatty.setLevel(logging.DEBUG)
    stream = io.StringIO()
    configure("info", "json", stream)
    chatty.info("Hello")
    chatty.warning("Text %s", CANARY)
    chatty.setLevel(logging.NOTSET)
    assert own.getvalue() == ""
    assert stream.getvalue().count("\n") == 1


def test_a_record_that_cannot_be_written_is_not_printed_instead() -> None:
    program = f"""
import logging
from heron_grpc.telemetry.logging import configure
class Closed:
    isatty = lambda self: False
    flush = lambda self: None
    def write(self, text): raise OSError
configure("info", "json", Closed())
logging.getLogger("library").error("Text %d", "{CANARY}")
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")


def test_the_request_of_this_context_is_on_every_line(lines) -> None:
    bind_request(request_id="r1")
    get_logger("here").info("ours")
    logging.getLogger("library").warning("Theirs")
    assert [line["request_id"] for line in lines()] == ["r1", "r1"]
