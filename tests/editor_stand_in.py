"""Stands in for code-server: takes its options, answers on its socket, and says what it was asked.

Run as a program: `editor_stand_in.py --auth none --socket PATH … FOLDER`. With `BROKEN` in its environment it ends at once.
"""

import argparse
import os
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket


async def asked(request: Request) -> JSONResponse:
    about = {
        "method": request.method,
        "path": request.url.path,
        "query": request.url.query,
        "body": (await request.body()).decode(),
    }
    names = sorted(request.headers.keys())
    return JSONResponse({**about, "headers": names, "folder": sys.argv[-1]}, headers={"set-cookie": "a=b", "x-editor": "yes"})


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    async for text in socket.iter_text():
        await socket.send_text(f"{socket.url.path} {text}")


def main() -> None:
    if os.environ.get("BROKEN"):
        sys.exit("no native modules")
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket")
    path = parser.parse_known_args()[0].socket
    app = Starlette(routes=[Route("/{path:path}", asked, methods=["GET", "POST", "HEAD"]), WebSocketRoute("/{path:path}", echo)])
    uvicorn.run(app, uds=path, log_level="error", ws="websockets-sansio")


if __name__ == "__main__":
    main()
