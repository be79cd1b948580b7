"""An MLLP receiver made of python-hl7's asyncio server, which answers as the message's MSH-10 asks:

AE-… and AR-… refuse; LOST-… has no answer the first time; OTHER-… is answered for another message the
first time; CUT-… gets half an answer and a closed connection the first time; all else is accepted.
Prints "listening PORT", and each message as "MSH-10 LENGTH".

    server.py [--tls CERTIFICATE KEY [CLIENT_CA]]
"""

import asyncio
import ssl
import sys

import hl7
from hl7.mllp import start_hl7_server

FRAME = b"\x0b%b\x1c\r"
seen = set()


async def serve(reader, writer):
    while not writer.is_closing():
        try:
            message = await reader.readmessage()
        except asyncio.IncompleteReadError:
            break
        control_id = str(message.segment("MSH")[10])
        print(control_id, len(str(message)), flush=True)
        kind = control_id.split("-")[0]
        first = control_id not in seen
        seen.add(control_id)
        code = kind if kind in ("AE", "AR", "CA", "CE", "CR") else "AA"
        ack = message.create_ack(code)
        if kind == "LOST" and first:
            continue
        if kind == "OTHER" and first:
            ack.segment("MSA")[2] = "somebody-else"
        if kind == "CUT" and first:
            writer.write((FRAME % str(ack).encode())[:25])
            await writer.drain()
            break
        writer.writemessage(ack)
        await writer.drain()
    writer.close()


def tls():
    if "--tls" not in sys.argv:
        return None
    files = sys.argv[sys.argv.index("--tls") + 1 :]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[0], files[1])
    if len(files) > 2:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(files[2])
    return context


async def main():
    # The library's own limit is 64 KiB, its own charset ASCII.
    server = await start_hl7_server(
        serve, host="127.0.0.1", port=0, limit=16 << 20, encoding="utf-8", ssl=tls()
    )
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
