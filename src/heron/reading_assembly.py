"""The messages of a reading's stream put together again: whole pages as they come, all else beside them."""

from heron.v1 import reading_pb2

Page = reading_pb2.Page
Reading = reading_pb2.Reading
Message = reading_pb2.ReadUploadResponse


class ReadingAssembly:
    """Messages in, pages out; `reading` holds all else."""

    def __init__(self) -> None:
        # Without its pages.
        self.reading = Reading()
        self.progress = reading_pb2.ReadingProgress()
        # Whether the last message has come.
        self.is_whole = False
        self._page: Page | None = None
        self._texts: list[str] = []
        self._is_table_open = False

    def add(self, message: Message) -> Page | None:
        """The page that the message completes, if it does."""
        match message.WhichOneof("payload"):
            case "opening":
                self.reading.mime_type = message.opening.mime_type
                self.reading.sha256 = message.opening.sha256
            case "part":
                self.reading.parts.append(message.part)
            case "page":
                return self._add_page(message.page)
            case "table":
                self._add_table(message.table)
            case "metadata":
                self.reading.metadata.update(message.metadata.entries)
            case "warning":
                self.reading.warnings.append(message.warning)
            case "progress":
                self.progress = message.progress
            case "end":
                self.reading.languages.extend(message.end.languages)
                self.reading.stats.CopyFrom(message.end.stats)
                self.is_whole = True
        return None

    def _add_page(self, page: Page) -> Page | None:
        if self._page is None:
            self._page, self._texts = page, []
        else:
            self._page.words.extend(page.words)
        self._texts.append(page.text)
        if page.continued:
            return None
        whole, self._page = self._page, None
        if len(self._texts) > 1:
            whole.text = "".join(self._texts)
        whole.continued = False
        self.progress.pages_done += 1
        self.progress.ocr_pages += whole.text_source == reading_pb2.TEXT_SOURCE_OCR
        return whole

    def _add_table(self, table: reading_pb2.Table) -> None:
        rows = list(table.rows)
        if not self._is_table_open:
            self.reading.tables.add(number=table.number, page=table.page)
        open_table = self.reading.tables[-1]
        if table.continues_row and open_table.rows and rows:
            open_table.rows[-1].cells.extend(rows.pop(0).cells)
        open_table.rows.extend(rows)
        self._is_table_open = table.continued
