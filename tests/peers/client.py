"""Sends the messages of files with python-hl7's asyncio client, one after the other on one connection,
and prints each answer as "MSA-1 MSA-2".

    client.py PORT [--tls CA [CERTIFICATE KEY]] FILE...
"""

import asyncio
import ssl
import sys

import hl7
from hl7.mllp import open_hl7_connection


def arguments():
    port, rest, context = int(sys.argv[1]), sys.argv[2:], None
    if rest[0] == "--tls":
        context = ssl.create_default_context(cafile=rest[1])
        rest = rest[2:]
        if not rest[0].endswith(".hl7"):
            context.load_cert_chain(rest[0], rest[1])
            rest = rest[2:]
    return port, context, rest


async def main():
    port, context, files = arguments()
    name = "localhost" if context else None
    reader, writer = await open_hl7_connection(
        "127.0.0.1", port, limit=16 << 20, encoding="utf-8", ssl=context, server_hostname=name
    )
    for file in files:
        with open(file, encoding="utf-8", newline="") as opened:
            writer.writemessage(hl7.parse(opened.read()))
        await writer.drain()
        answer = await asyncio.wait_for(reader.readmessage(), 30)
        print(answer.segment("MSA")[1], answer.segment("MSA")[2], flush=True)
    writer.close()
    await writer.wait_closed()


asyncio.run(main())
