"""A scripted worker: real TLS 1.3 with a simulated RA-TLS certificate, real HTTP/2 (or HTTP/1.1), and a handler
that a test writes. It runs its own event loop in a thread; tests talk to it through plain attributes."""
import asyncio
import json
import ssl
import threading

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings


class Stream:
    """One request as the handler sees it."""

    def __init__(self, connection, stream_id, headers):
        self.connection = connection
        self.id = stream_id
        self.fields = [(k.decode(), v.decode("latin-1")) for k, v in headers]
        self.headers = dict(self.fields)
        self.method = self.headers.get(":method")
        self.path = self.headers.get(":path")
        self.trailers = None
        self.reset_code = None  # set when the gateway resets the stream
        self._chunks = asyncio.Queue()
        self._changed = asyncio.Event()
        self.taken = 0

    @property
    def ssl_object(self):
        return self.connection.writer.get_extra_info("ssl_object")

    async def chunks(self, window=True):
        """Body chunks as they come; with window=False the flow-control window is not opened again."""
        while True:
            item = await self._chunks.get()
            if item is None:
                return
            data, flow = item
            self.taken += len(data)
            if window:
                self.connection.acknowledge(flow, self.id)
            yield data

    async def body(self):
        return b"".join([chunk async for chunk in self.chunks()])

    async def head(self, status=200, headers=(), end=False):
        self.connection.h2.send_headers(self.id, [(":status", str(status)), *headers], end_stream=end)
        await self.connection.flush()

    async def send(self, data):
        """Sends all of it, waiting for the windows."""
        view = memoryview(data)
        while len(view) > 0:
            if self.reset_code is not None or self.connection.closed:
                raise ConnectionResetError(f"stream reset with {self.reset_code}")
            room = min(self.connection.h2.local_flow_control_window(self.id),
                       self.connection.h2.max_outbound_frame_size)
            if room <= 0:
                self._changed.clear()
                await self._changed.wait()
                continue
            piece = bytes(view[:room])
            self.connection.h2.send_data(self.id, piece)
            view = view[len(piece):]
            await self.connection.flush()

    async def end(self, trailers=None):
        if self.reset_code is not None or self.connection.closed:
            raise ConnectionResetError(f"stream reset with {self.reset_code}")
        if trailers:
            self.connection.h2.send_headers(self.id, trailers, end_stream=True)
        else:
            self.connection.h2.end_stream(self.id)
        await self.connection.flush()

    async def answer(self, status=200, body=b"", headers=(), trailers=None):
        """All of it in one write, as far as the windows allow."""
        if len(body) <= min(16384, self.connection.h2.local_flow_control_window(self.id)):
            self.connection.h2.send_headers(self.id, [(":status", str(status)), *headers])
            self.connection.h2.send_data(self.id, body, end_stream=not trailers)
            if trailers:
                self.connection.h2.send_headers(self.id, trailers, end_stream=True)
            await self.connection.flush()
            return
        await self.head(status, headers)
        await self.send(body)
        await self.end(trailers)

    async def reset(self, code=h2.errors.ErrorCodes.INTERNAL_ERROR):
        self.connection.h2.reset_stream(self.id, code)
        await self.connection.flush()

    async def gone(self):
        """Waits until the gateway has reset the stream or left."""
        while self.reset_code is None and not self.connection.closed:
            self._changed.clear()
            await self._changed.wait()

    def note(self):
        self._changed.set()


class Connection:
    def __init__(self, worker, reader, writer):
        self.worker = worker
        self.reader = reader
        self.writer = writer
        self.closed = False
        self.streams = {}
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))

    def acknowledge(self, count, stream_id):
        try:
            self.h2.acknowledge_received_data(count, stream_id)
        except h2.exceptions.ProtocolError:
            return
        self.worker.loop.create_task(self.flush())

    async def flush(self):
        data = self.h2.data_to_send()
        if data and not self.closed:
            self.writer.write(data)
            try:
                await self.writer.drain()
            except ConnectionError:
                self.closed = True

    async def run(self):
        self.h2.local_settings.update(self.worker.settings)
        self.h2.initiate_connection()
        await self.flush()
        try:
            while data := await self.reader.read(65536):
                for event in self.h2.receive_data(data):
                    self.note(event)
                await self.flush()
        except (ConnectionError, h2.exceptions.ProtocolError, ssl.SSLError):
            pass
        self.closed = True
        for stream in self.streams.values():
            stream.note()
        self.writer.close()

    def note(self, event):
        stream = self.streams.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.RequestReceived):
            stream = self.streams[event.stream_id] = Stream(self, event.stream_id, event.headers)
            is_challenge = stream.method == "POST" and stream.path == "/.well-known/attest"
            (self.worker.challenges if is_challenge else self.worker.requests).append(stream)
            self.worker.loop.create_task(self.handle(stream, self.worker.attest if is_challenge else self.worker.handler))
        elif isinstance(event, h2.events.DataReceived) and stream:
            stream._chunks.put_nowait((event.data, event.flow_controlled_length))
        elif isinstance(event, h2.events.TrailersReceived) and stream:
            stream.trailers = [(k.decode(), v.decode()) for k, v in event.headers]
        elif isinstance(event, h2.events.StreamEnded) and stream:
            stream._chunks.put_nowait(None)
        elif isinstance(event, h2.events.StreamReset) and stream:
            stream.reset_code = event.error_code
            stream._chunks.put_nowait(None)
        elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            for each in self.streams.values():
                each.note()
        if stream:
            stream.note()

    async def handle(self, stream, handler):
        try:
            await handler(stream)
        except (ConnectionError, h2.exceptions.ProtocolError):
            pass
        except Exception as error:  # a mistake of the test's own handler must not hide
            self.worker.mistakes.append(error)
            raise

    async def go_away(self, last_stream_id):
        self.h2.close_connection(error_code=0, last_stream_id=last_stream_id)
        await self.flush()


async def echo(stream):
    body = await stream.body()
    text = json.dumps({"method": stream.method, "path": stream.path, "headers": stream.fields, "bytes": len(body)})
    await stream.answer(200, text.encode(), [("content-type", "application/json")])


async def know_no_challenge(stream):
    await stream.answer(404)


class Worker:
    def __init__(self, certificate, key, handler=echo, alpn=("h2",), settings=None, raw=None, attest=know_no_challenge):
        self.handler = handler
        self.attest = attest  # answers challenges
        self.requests = []
        self.challenges = []
        self.mistakes = []
        self.connections = 0
        self.settings = {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 100, **(settings or {})}
        self.raw = raw  # async (reader, writer): replaces HTTP/2 altogether
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.set_alpn_protocols(list(alpn))
        self.context.load_cert_chain(certificate, key)
        self.loop = asyncio.new_event_loop()
        self.port = None
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        assert started.wait(10)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def _run(self, started):
        asyncio.set_event_loop(self.loop)

        async def serve():
            self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self.context)
            self.port = self.server.sockets[0].getsockname()[1]
            started.set()

        self.loop.run_until_complete(serve())
        self.loop.run_forever()

    async def _accept(self, reader, writer):
        self.connections += 1
        if self.raw:
            try:
                await self.raw(reader, writer)
            except ConnectionError:
                pass
            finally:
                writer.close()
            return
        await Connection(self, reader, writer).run()

    def stop(self):
        def halt():
            self.server.close()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_soon(self.loop.stop)

        self.loop.call_soon_threadsafe(halt)
        self.thread.join(10)
