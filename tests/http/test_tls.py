"""Native TLS: what is spoken, what is refused, and certificates that change under a running server."""

import http.client
import json
import signal
import socket
import ssl
import subprocess
import time

import pytest
from harness import TOKEN, Certificate, Raw, Sse, Ws, eventually, server as server_module
from harness.later import claim as waiting_claim
from harness.tls import CURVE, openssl
from harness.wait import PATIENCE_SECONDS
from tools.prometheus_text import lint, parse

TIME_OUT_SECONDS = 10  # of a request, and of a handshake
SILENCE_SECONDS = 5  # in which a server that reads would have read something


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return Certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def tls_server(certificate):
    with server_module.Server(tls=certificate) as server:
        yield server
        assert server.is_up(), server.log()[-8000:]


def connect(server, context, **options):
    """A handshake with that server; the encrypted socket."""
    bare = socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS)
    return context.wrap_socket(bare, server_hostname=options.get("name", "127.0.0.1"))


def anonymous(**settings):
    """A context that trusts anybody."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for name, value in settings.items():
        setattr(context, name, value)
    return context


def is_refused(server, context):
    try:
        with connect(server, context):
            return False
    except (ssl.SSLError, ConnectionError):
        return True


def ask(encrypted, path="/health"):
    """The status of the answer, which is read whole."""
    encrypted.sendall(f"GET {path} HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
    response = http.client.HTTPResponse(encrypted)
    response.begin()
    response.read()
    return response.status


def peer(server):
    """The certificate that a new connection is shown."""
    with connect(server, anonymous()) as encrypted:
        return encrypted.getpeercert(binary_form=True)


def der(certificate):
    return ssl.PEM_cert_to_DER_cert(certificate.cert.read_text())


def handshakes(server, result, board=None):
    families = parse((board or server.client()).get("/metrics").body.decode())
    assert lint(families) == []
    return families["taskboard_tls_handshakes_total"].total(result=result)


# --- what is spoken ---


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_are_spoken(tls_server, certificate, version):
    with connect(tls_server, certificate.context(version)) as encrypted:
        assert encrypted.version() == version.name.replace("_", ".")
        assert ask(encrypted) == 200
        assert ask(encrypted) == 200, "the connection is kept"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_versions_are_refused(tls_server, version):
    context = anonymous()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    assert is_refused(tls_server, context)


@pytest.mark.parametrize("ciphers", ["ECDHE+AES+SHA", "ECDHE+AES+SHA256", "kRSA+AESGCM", "DHE+AESGCM"])
def test_ciphers_without_aead_or_forward_secrecy_are_refused(tmp_path, serve, ciphers):
    rsa = Certificate(tmp_path, key_type=("-newkey", "rsa:2048"))
    server = serve(tls=rsa)
    context = anonymous(maximum_version=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("ECDHE+AESGCM")
    assert not is_refused(server, context), "the certificate is not the reason"
    context.set_ciphers(ciphers)
    assert is_refused(server, context)


@pytest.mark.parametrize("offered, chosen", [(["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), ([], None)])
def test_http_1_1_is_all_that_is_agreed_on(tls_server, certificate, offered, chosen):
    context = certificate.context()
    if offered:
        context.set_alpn_protocols(offered)
    with connect(tls_server, context) as encrypted:
        assert encrypted.selected_alpn_protocol() == chosen
        assert ask(encrypted) == 200


@pytest.mark.parametrize("offered", [["h2"], ["smtp", "imap"]])
def test_who_wants_another_protocol_is_refused(tls_server, offered):
    context = anonymous()
    context.set_alpn_protocols(offered)
    assert is_refused(tls_server, context)


def test_a_session_is_resumed(tls_server, certificate):
    context = certificate.context()
    with connect(tls_server, context) as first:
        ask(first)
        session = first.session
        assert not first.session_reused
    bare = socket.create_connection(("127.0.0.1", tls_server.port), PATIENCE_SECONDS)
    with context.wrap_socket(bare, server_hostname="127.0.0.1", session=session) as second:
        assert ask(second) == 200
        assert second.session_reused


def test_curl_trusts_the_certificate(tls_server, certificate):
    url = f"https://localhost:{tls_server.port}/board/tasks"
    told = subprocess.run(["curl", "--silent", "--show-error", "--fail", "--ipv4", "--cacert", certificate.cert, "--header",
                           f"Authorization: Bearer {TOKEN}", url], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True)
    assert json.loads(told.stdout)["count"] == 0


def test_the_certificates_in_between_are_sent(tmp_path, serve):
    """A root, one in between, and the server's own: a client that knows only the root is content."""
    make_chain(tmp_path)
    server = serve("--tls-cert", tmp_path / "chain.crt", "--tls-key", tmp_path / "own.key")
    with connect(server, ssl.create_default_context(cafile=tmp_path / "root.crt")) as encrypted:
        assert ask(encrypted) == 200


def make_chain(folder):
    issuer = []
    for name, ca in (("root", True), ("middle", True), ("own", False)):
        extension = "basicConstraints=critical,CA:TRUE" if ca else "subjectAltName=IP:127.0.0.1"
        openssl("req", "-x509" if not issuer else "-new", *CURVE, "-nodes", *([] if issuer else ["-days", 2]), "-subj", f"/CN={name}", "-addext",
                extension, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.{'csr' if issuer else 'crt'}")
        if issuer:
            openssl("x509", "-req", "-days", 2, "-copy_extensions", "copyall", "-in", folder / f"{name}.csr", "-CA", folder / f"{issuer[-1]}.crt",
                    "-CAkey", folder / f"{issuer[-1]}.key", "-CAcreateserial", "-out", folder / f"{name}.crt")
        issuer.append(name)
    (folder / "chain.crt").write_text((folder / "own.crt").read_text() + (folder / "middle.crt").read_text())


# --- clients that go wrong ---


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
def test_plain_http_is_told_what_is_spoken_here_and_counted(tls_server, method):
    before = handshakes(tls_server, "failed")
    with socket.create_connection(("127.0.0.1", tls_server.port), PATIENCE_SECONDS) as plain:
        plain.sendall(f"{method} /health HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        answer = http.client.HTTPResponse(plain, method=method)
        answer.begin()
        assert answer.status == 400 and answer.headers["Connection"] == "close"
        assert answer.read() == (b"" if method == "HEAD" else b"This port speaks https.\n")
    eventually(lambda: handshakes(tls_server, "failed") == before + 1, "the failure to be counted")


def test_only_plain_http_is_told_so(certificate, serve):
    """Others are not, also not right behind one who was."""
    server = serve("--threads", "1", tls=certificate)
    for sent in (b"GET / HTTP/1.1\r\n\r\n", b"", b"HELO there\r\n\r\n", b"PUT / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello"):
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as plain:
            plain.sendall(sent)
            plain.shutdown(socket.SHUT_WR)
            assert (b"https" in read_to_the_end(plain)) == (b"HTTP" in sent), sent


def test_handshakes_are_counted(tls_server, certificate):
    before = handshakes(tls_server, "done")
    for _ in range(3):
        with connect(tls_server, certificate.context()) as encrypted:
            ask(encrypted)
    assert handshakes(tls_server, "done") == before + 4, "three, and that of the client who asks"


def hello():
    """The first bytes that a client sends."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = anonymous().wrap_bio(incoming, outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_handshakes_that_never_end_are_cut_off_while_others_are_served(certificate, serve):
    server = serve("--threads", "1", tls=certificate)
    first = hello()
    starts = [b"", first[:1], first[:40], first]
    stopped = [socket.create_connection(("127.0.0.1", server.port), TIME_OUT_SECONDS + PATIENCE_SECONDS) for _ in starts]
    for connection, start in zip(stopped, starts):
        connection.sendall(start)
    board = server.client()
    for n in range(20):
        board.create(str(n))
    connections = parse(board.get("/metrics").body.decode())["taskboard_connections"].total()
    assert connections == len(stopped) + 1
    for connection in stopped:
        while connection.recv(4096):  # to the end: the server closes
            pass
        connection.close()
    eventually(lambda: handshakes(server, "timed_out", board) == len(stopped), "all to be counted")
    assert parse(board.get("/metrics").body.decode())["taskboard_connections"].total() == 1


def test_noise_does_not_harm(tls_server):
    before = handshakes(tls_server, "failed")
    first = hello()
    sent = [b"\0" * 5000, b"\x16\x03\x01\xff\xff" + b"x" * 70000, first[:5] + b"\xff" * (len(first) - 5), first + b"\x15\x03\x03\x00\x02\x02\x28"]
    for noise in sent:
        with socket.create_connection(("127.0.0.1", tls_server.port), PATIENCE_SECONDS) as connection:
            try:
                connection.sendall(noise)
                while connection.recv(4096):
                    pass
            except ConnectionError:
                pass
    assert handshakes(tls_server, "failed") == before + len(sent)


class ByHand:
    """A connection whose records are sent by hand, and its handshake."""

    def __init__(self, server, context):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = context.wrap_bio(self.incoming, self.outgoing, server_hostname="127.0.0.1")
        self.bare = socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS)
        while True:
            try:
                self.client.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.bare.sendall(self.outgoing.read())
                part = self.bare.recv(65536)
                assert part, "the server has closed"
                self.incoming.write(part)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.bare.close()

    def say_and_end(self, text):
        """Says it, and that nothing more will be said."""
        self.client.write(text.encode())
        with pytest.raises(ssl.SSLWantReadError):
            self.client.unwrap()
        self.bare.sendall(self.outgoing.read())

    def hear(self):
        """To the end of the connection."""
        while part := self.bare.recv(65536):
            self.incoming.write(part)


def test_records_that_were_tampered_with_end_the_connection(tls_server, certificate):
    with ByHand(tls_server, certificate.context()) as connection:
        connection.client.write(f"GET /board/tasks HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        record = bytearray(connection.outgoing.read())
        record[-1] ^= 1
        connection.bare.sendall(record)
        connection.hear()
    with pytest.raises((ssl.SSLError, ssl.SSLEOFError)):
        while connection.client.read():
            raise AssertionError("it was answered")


def test_above_the_cap_connections_are_closed(certificate, serve):
    server = serve("--threads", "1", "--max-connections", "3", tls=certificate)
    kept = [connect(server, certificate.context()) for _ in range(3)]
    for encrypted in kept:
        assert ask(encrypted) == 200
    assert is_refused(server, certificate.context())
    kept.pop().close()
    eventually(lambda: not is_refused(server, certificate.context()), "room for one more")
    for encrypted in kept:
        encrypted.close()


def test_a_handshake_that_is_under_way_does_not_hold_up_the_end(certificate, serve):
    server = serve("--drain-seconds", "20", tls=certificate)
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS) as bare:
        bare.sendall(hello()[:40])
        begun = time.monotonic()
        server.send_signal(signal.SIGTERM)
        server.ended()
        assert time.monotonic() - begun < TIME_OUT_SECONDS - 2, "it waited for the handshake's own end"
        assert "stopped before all requests" not in server.log()


# What TLS says at its end: without it a client cannot tell a whole answer from one that was cut off.

def strict(server):
    """A connection that raises an error where TLS has not been ended."""
    bare = socket.create_connection(("127.0.0.1", server.port), PATIENCE_SECONDS)
    context = anonymous()
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return context.wrap_socket(bare, server_hostname="127.0.0.1", suppress_ragged_eofs=False)


def read_to_the_end(encrypted):
    received = b""
    while part := encrypted.recv(65536):
        received += part
    return received


def test_an_answer_that_ends_its_connection_ends_tls(tls_server):
    with strict(tls_server) as encrypted:
        encrypted.sendall(b"GET /health HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n")
        assert read_to_the_end(encrypted).startswith(b"HTTP/1.1 200")


def test_a_refusal_in_the_middle_of_a_body_ends_tls(tls_server):
    with strict(tls_server) as encrypted:
        encrypted.sendall(b"POST /board/tasks HTTP/1.1\r\nHost: t\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 1000)
        assert read_to_the_end(encrypted).startswith(b"HTTP/1.1 413")


def test_a_stream_that_ends_ends_tls(certificate, serve):
    server = serve(tls=certificate)
    with strict(server) as encrypted:
        encrypted.sendall(f"GET /events/stream HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        assert encrypted.recv(65536).startswith(b"HTTP/1.1 200")
        server.send_signal(signal.SIGTERM)
        read_to_the_end(encrypted)
    server.ended()


def test_a_websocket_that_is_refused_ends_tls(tls_server):
    with strict(tls_server) as encrypted:
        encrypted.sendall(f"GET /events/ws HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        assert encrypted.recv(65536).startswith(b"HTTP/1.1 101")
        encrypted.sendall(b"\xff\xff\xff\xff\xff\xff")  # no frame
        read_to_the_end(encrypted)


BEHIND_THE_END = {
    "nothing": "",
    "half a request": "GET /health HTTP/1.1\r\n",
    "a request": "GET /health HTTP/1.1\r\nHost: t\r\n\r\n",
    "a stream": f"GET /events/stream HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\n\r\n",
}


@pytest.mark.parametrize("said", BEHIND_THE_END)
def test_what_comes_behind_the_end_of_tls_is_not_kept(tls_server, said):
    """The library reads on, and makes nothing of it: it would be kept until the memory is out."""
    with ByHand(tls_server, anonymous()) as connection:
        connection.say_and_end(BEHIND_THE_END[said])
        connection.bare.settimeout(SILENCE_SECONDS)
        with pytest.raises((ConnectionError, TimeoutError)):  # cut off, or closed with nothing that is still taken
            for _ in range(1024):
                connection.bare.sendall(bytes(1024 * 1024))


def test_who_has_ended_tls_is_answered_and_soon_told_the_end_too(tls_server):
    begun = time.monotonic()
    with ByHand(tls_server, anonymous()) as connection:
        connection.say_and_end(BEHIND_THE_END["a request"])
        connection.hear()
    assert time.monotonic() - begun < TIME_OUT_SECONDS - 2, "it waited for another request"
    heard = b""
    with pytest.raises(ssl.SSLZeroReturnError):  # what TLS's end is; without one it would want to read more
        while True:
            heard += connection.client.read(65536)
    assert heard.startswith(b"HTTP/1.1 200") and heard.endswith(b"}")


# --- certificates that change ---


def reloaded(server, text="the TLS certificate", count=1):
    """Asks for a reload and waits until the log tells of it."""
    before = server.log().count(text)
    server.send_signal(signal.SIGHUP)
    eventually(lambda: server.log().count(text) >= before + count, f"the log to say {text!r}")


def test_a_reload_takes_the_new_pair_and_old_connections_live_on(tmp_path, serve):
    files, other = Certificate(tmp_path, "first"), Certificate(tmp_path, "second")
    server = serve(tls=files)
    old = connect(server, files.context())
    ask(old)
    stream, ws = Sse(server, "/events/stream"), Ws(server, "/events/ws")
    waiting = waiting_claim(server, "bob")
    first = der(files)
    assert peer(server) == first
    files.replace(other)
    assert peer(server) == first, "nobody has asked for it yet"
    reloaded(server, "the TLS certificate is read")
    assert peer(server) == der(other) != first
    assert ask(old) == 200, "an old connection"
    with connect(server, other.context()) as encrypted:
        body = json.dumps({"title": "t", "createdBy": "c"})
        encrypted.sendall(f"POST /board/tasks HTTP/1.1\r\nHost: t\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        assert encrypted.recv(4096).startswith(b"HTTP/1.1 201")
    assert waiting.answer().json["count"] == 1
    for one in (stream, ws):
        assert one.events(1)[0]["type"] == "task.created"
    for one in (stream, ws):
        one.leave()
    old.close()


BROKEN = {
    "the key is another one's": (lambda files, other: files.key.write_bytes(other.key.read_bytes()), "does not belong to the certificate"),
    "the certificate is gone": (lambda files, other: files.cert.unlink(), "No such file"),
    "the key is empty": (lambda files, other: files.key.write_bytes(b""), "holds no private key"),
    "the certificate is cut short": (lambda files, other: files.cert.write_bytes(files.cert.read_bytes()[:200]), "damaged"),
}


def test_a_broken_new_pair_is_refused_and_the_old_one_stays(tmp_path, serve):
    files, other = Certificate(tmp_path, "first"), Certificate(tmp_path, "second")
    good = files.cert.read_bytes(), files.key.read_bytes()
    server = serve(tls=files)
    for what, (spoil, words) in BROKEN.items():
        before = peer(server)
        spoil(files, other)
        reloaded(server, "the TLS certificate stays as it was")
        assert words in next(line for line in reversed(server.log().splitlines()) if "stays as it was" in line), what
        assert peer(server) == before, what
        files.cert.write_bytes(good[0])
        files.key.write_bytes(good[1])
    files.replace(other)
    reloaded(server, "the TLS certificate is read")
    assert peer(server) == der(other), "a good one is taken afterwards"


def test_reloads_under_load_lose_nobody(tmp_path, serve):
    files, other = Certificate(tmp_path, "first"), Certificate(tmp_path, "second")
    server = serve(tls=files)
    pairs = [(files.cert.read_bytes(), files.key.read_bytes()), (other.cert.read_bytes(), other.key.read_bytes())]
    context = anonymous()
    for n in range(40):
        cert, key = pairs[n % 2]
        files.key.write_bytes(key)
        files.cert.write_bytes(cert)
        server.send_signal(signal.SIGHUP)
        with connect(server, context) as encrypted:
            assert ask(encrypted) == 200
    server.stop()


def test_without_a_certificate_there_is_nothing_to_reload(own_server, tmp_path):
    """A server that has no terminal: as a service."""
    launch = own_server.launch
    own_server.stop()

    def without_terminal():
        own_server.runs += 1
        with open(own_server.log_path, "wb") as log:
            own_server.process = subprocess.Popen(own_server.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=own_server.env,
                                                  start_new_session=True)
        return own_server

    own_server.launch = without_terminal
    own_server.start()
    own_server.send_signal(signal.SIGHUP)
    eventually(lambda: "nothing to read anew" in own_server.log(), "the log to say so")
    assert own_server.client().get("/health").status == 200
    own_server.launch = launch


# --- settings ---


def refusal(serve, *flags, code=2):
    ended, log = serve(*flags, start=False).refusal()
    assert ended == code, log
    assert log.startswith("taskboardd: ") and log.count("\n") == 1, f"one sentence: {log}"
    return log


def test_one_without_the_other_is_refused(serve, certificate):
    assert "--tls-key is missing" in refusal(serve, "--tls-cert", certificate.cert)
    assert "--tls-cert is missing" in refusal(serve, "--tls-key", certificate.key)


def test_files_that_are_not_there_are_refused(serve, certificate, tmp_path):
    absent = tmp_path / "absent"
    log = refusal(serve, "--tls-cert", absent, "--tls-key", certificate.key)
    assert f"certificate in {absent}: No such file" in log
    log = refusal(serve, "--tls-cert", certificate.cert, "--tls-key", absent)
    assert f"key in {absent}: No such file" in log


def test_pairs_that_do_not_fit_are_refused(serve, certificate, tmp_path):
    other = Certificate(tmp_path)
    assert "does not belong to the certificate" in refusal(serve, "--tls-cert", certificate.cert, "--tls-key", other.key)
    rsa = Certificate(tmp_path, "rsa", key_type=("-newkey", "rsa:2048"))
    assert "does not belong to the certificate" in refusal(serve, "--tls-cert", certificate.cert, "--tls-key", rsa.key)


def test_files_that_hold_something_else_are_refused(serve, certificate, tmp_path):
    assert "holds no certificate" in refusal(serve, "--tls-cert", certificate.key, "--tls-key", certificate.key)
    assert "holds no private key" in refusal(serve, "--tls-cert", certificate.cert, "--tls-key", certificate.cert)
    for name, words in (("empty", "holds no certificate"), ("folder", "holds no certificate")):
        path = tmp_path / name
        path.mkdir() if name == "folder" else path.write_text("")
        assert words in refusal(serve, "--tls-cert", path, "--tls-key", certificate.key)


def test_a_key_with_a_passphrase_is_refused(serve, certificate, tmp_path):
    locked = tmp_path / "locked.key"
    openssl("pkey", "-in", certificate.key, "-aes256", "-passout", "pass:secret", "-out", locked)
    assert "passphrase" in refusal(serve, "--tls-cert", certificate.cert, "--tls-key", locked)


def test_a_weak_key_is_refused(serve, tmp_path):
    weak = Certificate(tmp_path, key_type=("-newkey", "rsa:1024"))
    assert "too small" in refusal(serve, *weak.flags)


def test_files_that_may_not_be_read_are_refused(serve, certificate, tmp_path):
    hidden = tmp_path / "hidden.key"
    hidden.write_bytes(certificate.key.read_bytes())
    hidden.chmod(0)
    try:
        hidden.read_bytes()
        pytest.skip("the user of this test may read everything")
    except PermissionError:
        assert "Permission denied" in refusal(serve, "--tls-cert", certificate.cert, "--tls-key", hidden)


def test_a_certificate_that_has_expired_is_served_with_a_warning(serve, tmp_path):
    expired = Certificate(tmp_path)
    openssl("x509", "-in", expired.cert, "-signkey", expired.key, "-days", "-1", "-out", tmp_path / "old.crt")
    server = serve("--tls-cert", tmp_path / "old.crt", "--tls-key", expired.key)
    eventually(lambda: "the TLS certificate has expired" in server.log(), "the warning")
    assert "level=warn" in next(line for line in server.log().splitlines() if "has expired" in line)
    assert not is_refused(server, anonymous())


def test_the_check_judges_the_certificate_too(serve, certificate, tmp_path):
    log = refusal(serve, "--check", "--tls-cert", certificate.cert, "--tls-key", tmp_path / "absent")
    assert "No such file" in log
    ended, log = serve("--check", *certificate.flags, start=False).refusal()
    assert ended == 0, log


def test_settings_come_from_the_environment_and_the_file(serve, certificate, tmp_path):
    config = tmp_path / "taskboard.conf"
    config.write_text(f"tls-cert = {certificate.cert}\n")
    server = serve("--config", config, env={"TASKBOARD_TLS_KEY": str(certificate.key)})
    assert peer(server) == der(certificate)


def test_the_metrics_say_when_the_certificate_ends(tls_server, certificate):
    families = parse(tls_server.client().get("/metrics").body.decode())
    told = families["taskboard_tls_certificate_expiry_timestamp_seconds"].total()
    with connect(tls_server, certificate.context()) as encrypted:
        assert told == ssl.cert_time_to_seconds(encrypted.getpeercert()["notAfter"])


def test_without_tls_its_metrics_are_not_there(own_server, board):
    if own_server.tls:
        pytest.skip("this run is over TLS as a whole")
    assert "taskboard_tls" not in board.get("/metrics").body.decode()


def test_a_raw_client_of_the_harness_speaks_tls(tls_server):
    with Raw(tls_server.port) as raw:
        raw.send("GET /health HTTP/1.1\r\nHost: t\r\n\r\n")
        assert raw.answer().status == 200
        assert raw.socket.version().startswith("TLS")


def test_links_and_cookies_are_those_of_a_secure_page(tls_server):
    """What a proxy says with X-Forwarded-Proto goes without saying here."""
    client, browser = tls_server.client(), tls_server.client(token=None)
    url = client.post("/auth/magic-link", headers={"Host": "board.example"}).json["url"]
    assert url.startswith("https://board.example/ui/login?token=tl_")
    own = {"Host": "board.example", "Origin": "https://board.example"}
    answer = browser.post("/ui/login", f"token={url.partition('=')[2]}".encode(), check=False, headers={
        **own, "Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 303, answer
    cookie, *attributes = answer.headers["Set-Cookie"].split("; ")
    assert "Secure" in attributes
    assert browser.post("/board/tasks", {"title": "t", "createdBy": "c"}, headers={**own, "Cookie": cookie}).status == 201
    plain = {**own, "Origin": "http://board.example", "Cookie": cookie}
    assert browser.post("/board/tasks", {"title": "t", "createdBy": "c"}, headers=plain).status == 403, "a page that was not encrypted"
