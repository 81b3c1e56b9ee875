"""A client that speaks HTTP/2 frame by frame (RFC 9113), so that it can also do what no library lets a client do."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from hpack import Decoder
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
MOST_WINDOW = 2**31 - 1
_FRAME_BYTES = 16_384
_FRAME_HEADER_BYTES = 9
_INITIAL_WINDOW = 65_535


@dataclass
class Answer:
    """What came back on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)
    # HTTP/2 error code of a reset stream.
    reset: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> int | None:
        """The gRPC code, None when none came."""
        code = self.headers.get("grpc-status")
        return None if code is None else int(code)


class Peer:
    """One connection. A stream's answer is in `answers` under its id."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = Decoder()
        self._window = _INITIAL_WINDOW
        self._stream_windows: dict[int, int] = {}
        self._initial_stream_window = _INITIAL_WINDOW
        self._window_grew = asyncio.Event()
        self._next_stream = 1
        self._acknowledges = True
        # Set when the server's settings are here and, if ever, acknowledged.
        self.greeted = asyncio.Event()
        self.answers: dict[int, Answer] = {}
        self.settings: dict[int, int] = {}
        self.pongs = 0
        # HTTP/2 error code and debug data of a GOAWAY.
        self.goaway: tuple[int, bytes] | None = None
        # Set when the server has hung up.
        self.closed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def connected(
        cls, address: str, *, takes_bytes: int = MOST_WINDOW, acknowledges: bool = True
    ) -> AsyncIterator["Peer"]:
        """A connection after its greeting; the server may send `takes_bytes` on each stream, and no more ever.

        A server holds a client to its settings only once the client has acknowledged them.
        """
        async with socket_to(address) as (reader, writer):
            peer = cls(reader, writer)
            peer._acknowledges = acknowledges
            reading = asyncio.create_task(peer._read())
            try:
                settings = SettingsFrame(settings={SettingsFrame.INITIAL_WINDOW_SIZE: takes_bytes})
                window = WindowUpdateFrame(0, window_increment=MOST_WINDOW - _INITIAL_WINDOW)
                await peer.send_bytes(PREFACE + settings.serialize() + window.serialize())
                await peer.greeted.wait()
                yield peer
            finally:
                reading.cancel()
                await asyncio.wait({reading})

    async def send(self, *frames: Frame) -> None:
        """Frames as they are. Raises ConnectionError when the server has hung up."""
        await self.send_bytes(b"".join(frame.serialize() for frame in frames))

    async def send_bytes(self, data: bytes) -> None:
        """Bytes as they are. Raises ConnectionError when the server has hung up."""
        self._writer.write(data)
        await self._writer.drain()
        # A drain that need not wait lets nothing else run, not even the reading of answers.
        await asyncio.sleep(0)

    def open(self) -> int:
        """The next stream's id."""
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        self.answers[stream] = Answer()
        self._stream_windows[stream] = self._initial_stream_window
        return stream

    def begin(self, path: str, metadata: Mapping[str, str] | None = None) -> HeadersFrame:
        """The headers of a gRPC call, complete, on a new stream; `metadata` adds or replaces, also pseudo-headers."""
        return HeadersFrame(self.open(), header_block(path, metadata), flags=["END_HEADERS"])

    async def call(self, path: str, metadata: Mapping[str, str] | None = None) -> int:
        """Begins a gRPC call; gives its stream's id."""
        headers = self.begin(path, metadata)
        await self.send(headers)
        stream: int = headers.stream_id
        return stream

    async def message(self, stream: int, message: bytes, *, end: bool = False, compressed: bool = False) -> None:
        """A whole gRPC message, as fast as the server's windows allow."""
        await self.data(stream, prefixed(message, compressed=compressed), end=end)

    async def data(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """DATA frames, as fast as the server's windows allow. Raises ConnectionError when stream or connection end."""
        rest = memoryview(data)
        while rest or end:
            part = rest[: await self._room(stream, len(rest))]
            rest = rest[len(part) :]
            last = end and not rest
            self._window -= len(part)
            self._stream_windows[stream] -= len(part)
            await self.send(DataFrame(stream, bytes(part), flags=["END_STREAM"] if last else []))
            end = end and not last

    async def _room(self, stream: int, wanted: int) -> int:
        while (room := min(wanted, self._window, self._stream_windows[stream], _FRAME_BYTES)) <= 0 < wanted:
            if self.answers[stream].ended.is_set() or self.closed.is_set():
                raise ConnectionError("the stream has ended")
            self._window_grew.clear()
            await self._window_grew.wait()
        return room

    async def answer(self, stream: int) -> Answer:
        """What came back, when the stream has ended."""
        await self.answers[stream].ended.wait()
        return self.answers[stream]

    async def _read(self) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                header = memoryview(await self._reader.readexactly(_FRAME_HEADER_BYTES))
                frame, length = Frame.parse_frame_header(header)
                frame.parse_body(memoryview(await self._reader.readexactly(length)))
                await self._take(frame)
        self.closed.set()
        self.greeted.set()
        for answer in self.answers.values():
            answer.ended.set()
        self._window_grew.set()

    async def _take(self, frame: Frame) -> None:
        takers: dict[type[Frame], Callable[..., None]] = {
            SettingsFrame: self._take_settings,
            HeadersFrame: self._take_headers,
            DataFrame: self._take_data,
            RstStreamFrame: self._take_reset,
            WindowUpdateFrame: self._take_window,
            GoAwayFrame: self._take_goaway,
            PingFrame: self._take_ping,
        }
        if taker := takers.get(type(frame)):
            taker(frame)
        if "ACK" in frame.flags:
            return
        if isinstance(frame, SettingsFrame):
            if self._acknowledges:
                await self.send(SettingsFrame(flags=["ACK"]))
            self.greeted.set()
        elif isinstance(frame, PingFrame):
            await self.send(PingFrame(opaque_data=frame.opaque_data, flags=["ACK"]))

    def _take_settings(self, frame: SettingsFrame) -> None:
        self.settings.update(frame.settings)
        size = frame.settings.get(SettingsFrame.INITIAL_WINDOW_SIZE)
        if size is not None:
            grown, self._initial_stream_window = size - self._initial_stream_window, size
            self._stream_windows = {stream: window + grown for stream, window in self._stream_windows.items()}
            self._window_grew.set()

    def _take_headers(self, frame: HeadersFrame) -> None:
        # The server's answers fit in one frame.
        headers = self._decoder.decode(frame.data)
        answer = self.answers.setdefault(frame.stream_id, Answer())
        answer.headers.update(headers)
        self._end(frame, answer)

    def _take_data(self, frame: DataFrame) -> None:
        answer = self.answers[frame.stream_id]
        answer.data += frame.data
        self._end(frame, answer)

    def _end(self, frame: Frame, answer: Answer) -> None:
        if "END_STREAM" in frame.flags:
            answer.ended.set()
            self._window_grew.set()

    def _take_reset(self, frame: RstStreamFrame) -> None:
        answer = self.answers.setdefault(frame.stream_id, Answer())
        answer.reset = frame.error_code
        answer.ended.set()
        self._window_grew.set()

    def _take_window(self, frame: WindowUpdateFrame) -> None:
        if frame.stream_id:
            self._stream_windows[frame.stream_id] += frame.window_increment
        else:
            self._window += frame.window_increment
        self._window_grew.set()

    def _take_goaway(self, frame: GoAwayFrame) -> None:
        self.goaway = frame.error_code, frame.additional_data

    def _take_ping(self, frame: PingFrame) -> None:
        self.pongs += "ACK" in frame.flags


@asynccontextmanager
async def socket_to(address: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A TCP connection that has said nothing yet."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        # Whatever is not sent yet is not worth the wait.
        writer.transport.abort()


def header_block(path: str, metadata: Mapping[str, str] | None = None) -> bytes:
    """The headers of a gRPC call as HPACK; `metadata` adds or replaces, also pseudo-headers."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": "localhost",
        "content-type": "application/grpc",
        "te": "trailers",
        **(metadata or {}),
    }
    return b"".join(header(name.encode(), value.encode()) for name, value in headers.items())


def header(name: bytes, value: bytes, *, remembered: bool = False) -> bytes:
    """A header as HPACK writes it in full, for the table of such or not (RFC 7541, 6.2.1 and 6.2.2)."""
    return (b"\x40" if remembered else b"\0") + _integer(len(name)) + name + _integer(len(value)) + value


def _integer(number: int) -> bytes:
    """With a prefix of 7 bits (RFC 7541, 5.1)."""
    if number < 127:
        return bytes([number])
    encoded, number = [127], number - 127
    while number >= 128:
        encoded.append(number % 128 + 128)
        number //= 128
    return bytes([*encoded, number])


def prefixed(message: bytes, *, compressed: bool = False) -> bytes:
    """A gRPC message as it travels: a compression flag, its length, itself."""
    return struct.pack("!?I", compressed, len(message)) + message
