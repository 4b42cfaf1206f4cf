#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An origin that may be killed at any instant: every request is in its journal before it is answered.

    crash_origin.py PORT JOURNAL [MOOD]     a line for each: number, adit-delivery, adit-attempt, what it is about to answer

The file MOOD says how it answers: a status, with fields behind it, or "close"; 200 when there is none.
"""
import json
import os
import socket
import sys
import threading


def mood(path):
    try:
        with open(path) as f:
            return f.read().strip()
    except OSError:
        return ""


def serve(sock, journal, path):
    stream = sock.makefile("rb")
    while True:
        head = []
        while (line := stream.readline()) not in (b"\r\n", b""):
            head.append(line.decode("latin-1").rstrip("\r\n"))
        if not head:
            return
        fields = {n.lower(): v.strip() for n, _, v in (x.partition(":") for x in head[1:])}
        body = stream.read(int(fields["content-length"]))
        number = json.loads(body)["number"]
        status, _, said = (mood(path) or "200").partition(" ")
        os.write(journal, f"{number} {fields['adit-delivery']} {fields['adit-attempt']} {status}\n".encode())
        if status == "close":
            return
        sock.sendall(f"HTTP/1.1 {status} Said\r\n{said}Content-Length: 0\r\n\r\n".encode())


def main(port, path, mood_path=""):
    journal = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(256)
    print("ready", flush=True)
    while True:
        sock, _ = listener.accept()

        def run(sock=sock):
            try:
                serve(sock, journal, mood_path)
            except (OSError, KeyError, ValueError):
                pass
            sock.close()
        threading.Thread(target=run, daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
