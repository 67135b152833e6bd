"""https: a board behind a proxy that ends TLS, with a certificate of its own."""

import socket
import socketserver
import ssl
import subprocess
import threading

import pytest
from conftest import Cli


class Proxy(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, port, context):
        super().__init__(("127.0.0.1", 0), Connection)
        self.port, self.context = port, context


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            client = self.server.context.wrap_socket(self.request, server_side=True)
        except (ssl.SSLError, OSError):
            return  # a client that does not trust us
        with client, socket.create_connection(("127.0.0.1", self.server.port)) as board:
            back = threading.Thread(target=copy, args=(board, client))
            back.start()
            copy(client, board)
            back.join()


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture
def tls(server, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=board", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with Proxy(server.port, context) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        yield proxy.server_address[1], certificate
        proxy.shutdown()
        thread.join()


def test_https(tls, tmp_path, board):
    port, certificate = tls
    cli = Cli(port, tmp_path)
    cli.env["TASKBOARD_URL"] = f"https://127.0.0.1:{port}"
    ran = cli.run("ls", "--retry", "0", code=4)
    assert "name the file with the certificate to trust in --ca-file" in ran.err
    task = cli.add("over TLS", "--ca-file", certificate)
    cli.env["TASKBOARD_CA_FILE"] = str(certificate)
    cli.run("work", "--once", "--", "true")
    assert board.task(task)["outcome"] == "success"
    cli.run("ls", "--ca-file", tmp_path / "nowhere", "--retry", "0", code=4)
