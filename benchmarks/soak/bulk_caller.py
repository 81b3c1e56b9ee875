"""The soak's bulk streams: texts, files and uploads, good and bad, some given up, some streams left in the middle."""

import asyncio

import grpc

from benchmarks.load.shapes import grpc_name
from benchmarks.soak.callers import CHUNK_BYTES, Callers, Stub
from heron.v1 import classification_pb2 as messages

_DOCUMENTS = 40
_STREAM_S = 120.0
_ABANDONED_SHARE = 0.2
Request = messages.ClassifyBulkRequest


class BulkCaller:
    """Notes one code for each document, and the stream's own unless it is OK or given up on purpose."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self._random = callers.random

    async def act(self, stub: Stub) -> None:
        """One stream."""
        call = stub.ClassifyBulk(timeout=_STREAM_S)
        start = messages.ClassifyBulkStart(
            options=self._callers.options(),
            max_in_flight=self._random.choice((0, 4, 64)),
            ordered=self._random.random() < 0.3,
        )
        await call.write(Request(start=start))
        reader = asyncio.create_task(self._read(call))
        try:
            for number in range(_DOCUMENTS):
                await self._send(call, str(number))
            if self._random.random() < _ABANDONED_SHARE:
                call.cancel()
            else:
                await call.done_writing()
            await reader
        finally:
            reader.cancel()

    async def _send(
        self, call: "grpc.aio.StreamStreamCall[Request, messages.ClassifyBulkResponse]", item_id: str
    ) -> None:
        item = messages.ClassifyBulkItem(item_id=item_id)
        kind = self._random.randrange(8)
        file = self._random.choice(self._callers.files)
        if kind < 4:
            item.text = self._random.choice(self._callers.texts)
        elif kind == 4:
            item.content.CopyFrom(messages.InlineContent(data=file.read_bytes(), filename=file.name))
        elif kind == 5:
            item.content.CopyFrom(messages.InlineContent(data=b"%PDF-1.7 and nothing more"))
        else:
            item.upload.CopyFrom(messages.UploadHeader(filename=file.name))
        await call.write(Request(item=item))
        if kind >= 6:
            data = file.read_bytes()
            for at in range(0, len(data), CHUNK_BYTES):
                await call.write(Request(chunk=data[at : at + CHUNK_BYTES]))
            await call.write(Request(trailer=messages.UploadTrailer(size_bytes=len(data))))
        if self._random.random() < 0.1:
            await call.write(Request(cancel=messages.ClassifyBulkCancel(item_id=item_id)))

    async def _read(self, call: "grpc.aio.StreamStreamCall[Request, messages.ClassifyBulkResponse]") -> None:
        async for answer in call:
            if answer.HasField("result"):
                error = answer.result.error
                self._callers.note("bulk document", grpc_name(error.code) if answer.result.HasField("error") else "OK")
