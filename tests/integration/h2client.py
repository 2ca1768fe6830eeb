"""A small blocking HTTP/2 client over TLS or cleartext, for what curl and httpx do not show: resets, trailers, windows."""
import socket
import ssl

import h2.config
import h2.connection
import h2.events
import h2.settings

# h2 takes a GOAWAY for the end of the connection; streams up to its last id go on (RFC 9113 6.8).
h2.connection.H2ConnectionStateMachine._transitions[
    h2.connection.ConnectionState.CLIENT_OPEN, h2.connection.ConnectionInputs.RECV_GOAWAY
] = (None, h2.connection.ConnectionState.CLIENT_OPEN)


class Answer:
    def __init__(self):
        self.status = None
        self.headers = {}
        self.body = b""
        self.chunks = []
        self.trailers = {}
        self.ended = False
        self.reset = None  # the error code, when the gateway reset the stream


class Client:
    def __init__(self, port, tls=True, window=None, host="127.0.0.1", certificate=None):
        raw = socket.create_connection((host, port), timeout=20)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_alpn_protocols(["h2"])
            if certificate:
                context.load_cert_chain(*certificate)
            raw = context.wrap_socket(raw, server_hostname="localhost")
            assert raw.selected_alpn_protocol() == "h2"
        self.socket = raw
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        if window is not None:
            self.h2.local_settings.update({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.h2.initiate_connection()
        self.answers = {}
        self.flush()

    def flush(self):
        data = self.h2.data_to_send()
        if data:
            self.socket.sendall(data)

    def request(self, path, key=None, method="GET", headers=(), body=None, end=True):
        stream_id = self.h2.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
        if key:
            fields.append(("authorization", f"Bearer {key}"))
        self.h2.send_headers(stream_id, fields + list(headers), end_stream=body is None and end)
        self.answers[stream_id] = Answer()
        self.flush()
        if body is not None:
            self.send(stream_id, body, end)
        return stream_id

    def send(self, stream_id, body, end=True):
        view = memoryview(body)
        while len(view) > 0:
            room = min(self.h2.local_flow_control_window(stream_id), self.h2.max_outbound_frame_size, len(view))
            if room <= 0:
                self.read()
                continue
            self.h2.send_data(stream_id, bytes(view[:room]))
            view = view[room:]
            self.flush()
        if end:
            self.h2.end_stream(stream_id)
            self.flush()

    def reset(self, stream_id, code=8):
        self.h2.reset_stream(stream_id, code)
        self.flush()

    def read(self, acknowledge=True):
        """Reads once and notes what came; False when the connection is over."""
        data = self.socket.recv(65536)
        if not data:
            return False
        for event in self.h2.receive_data(data):
            answer = self.answers.get(getattr(event, "stream_id", None))
            if isinstance(event, h2.events.ResponseReceived):
                answer.headers = dict(event.headers)
                answer.status = int(answer.headers[":status"])
            elif isinstance(event, h2.events.DataReceived):
                answer.body += event.data
                answer.chunks.append(event.data)
                if acknowledge and event.flow_controlled_length:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.TrailersReceived):
                answer.trailers = dict(event.headers)
            elif isinstance(event, h2.events.StreamEnded):
                answer.ended = True
            elif isinstance(event, h2.events.StreamReset) and answer:
                answer.reset = event.error_code
        self.flush()
        return True

    def wait(self, stream_id, until=lambda answer: False):
        """Reads until the stream is over, or `until` holds."""
        answer = self.answers[stream_id]
        while not (answer.ended or answer.reset is not None or until(answer)):
            if not self.read():
                break
        return answer

    def call(self, path, key=None, **options):
        return self.wait(self.request(path, key, **options))

    def close(self):
        self.socket.close()
