"""The API as plain REST below /api/v1/, with an OpenAPI document and a page that shows it."""

import json
from collections.abc import Awaitable, Callable
from functools import partial, wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

from anyio import CapacityLimiter, to_thread
from fastapi import Body, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from gradio.utils import get_function_description
from starlette.exceptions import HTTPException
from starlette.routing import Mount

from demo.api.handlers import endpoints
from demo.shared.endpoints import check_arguments
from zoo.errors import UserError

PREFIX = "/api/v1"
AT_ONCE = {"tasks": 4, "classify": 32, "classify_batch": 1, "board": 4}  # requests that are worked on, in threads
POSTED = {"classify", "classify_batch"}
REFUSED = {422: "One line says what is wrong", 413: "The request is too large", 429: "Too many requests wait"}
_ABOUT = 'Ask the app\'s models from any program. Every refusal is `{"detail": "one line"}`.'
_EXAMPLES: dict[str, Any] = {
    "text": "The parcel came late.",
    "texts": ["The parcel came late.", "Great, thank you!"],
    "task": "feedback",
    "checkpoints": ["zoo-bert-en", "zoo-roberta-en"],
    "thresholds": {"delivery": 0.4},
}
# Without the tag that begins the head: the app's own styles and script are for its other pages (see FirstScript).
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Encoder Zoo: REST API</title>
<meta name="viewport" content="width=device-width"><style>{style}</style>
<body><main></main><script>{script}</script></body></html>"""


def mount(root: Path | None, results: Path | None, waiting: int) -> Mount:
    """Return the API as a route of the app.

    Args:
        root: the folder of checkpoints; None is the project's own.
        results: the folder of runs; None is the project's own.
        waiting: how many requests may wait; the next one is refused.
    """
    api = FastAPI(
        title="Encoder Zoo",
        description=_ABOUT,
        version="1",
        docs_url=None,
        redoc_url=None,
        servers=[{"url": "./"}],  # below whatever path a proxy serves the app
        root_path_in_servers=False,
        exception_handlers={
            UserError: _refused,
            RequestValidationError: _not_taken,
            HTTPException: _no_such_thing,
        },
    )
    for function in endpoints(root, results):
        _add(api, function, waiting)
    api.add_route("/", _page)
    return Mount(PREFIX, app=api)


def _add(api: FastAPI, function: Callable[..., Any], waiting: int) -> None:
    name = function.__name__
    api.add_api_route(
        f"/{name}",
        _served(function, waiting),
        methods=["POST" if name in POSTED else "GET"],
        description=get_function_description(function)[0],
        response_model=get_type_hints(function, include_extras=True)["return"],
        responses={status: {"description": words} for status, words in REFUSED.items()},
    )


def _served(function: Callable[..., Any], waiting: int) -> Callable[..., Awaitable[Response]]:
    """The function as FastAPI takes it. Its threads are its own: those of the page stay free."""
    at_once = AT_ONCE[function.__name__]
    limiter, inside = CapacityLimiter(at_once), 0

    @wraps(function)
    async def served(request: Request, **arguments: Any) -> Response:
        check_arguments(function, await _given(request))  # FastAPI itself takes unknown ones, and leaves them out
        nonlocal inside  # the limiter counts a request only after a pause, in which others would pass
        if inside >= at_once + waiting:
            return as_json({"detail": f"{waiting} requests wait already; ask again in a few seconds"}, 429)
        inside += 1
        try:
            return await to_thread.run_sync(lambda: as_json(function(**arguments)), limiter=limiter)
        finally:
            inside -= 1

    # FastAPI reads the arguments' place and description from the signature.
    own, words = signature(function), get_function_description(function)[1]
    place = Body if function.__name__ in POSTED else Query
    asked = Parameter("request", Parameter.POSITIONAL_OR_KEYWORD, annotation=Request)
    parameters = [_described(each, partial(place, description=words[name])) for name, each in own.parameters.items()]
    served.__signature__ = own.replace(parameters=[asked, *parameters])  # type: ignore[attr-defined]
    return served


def _described(parameter: Parameter, place: Callable[..., Any]) -> Parameter:
    examples = [_EXAMPLES[parameter.name]] if parameter.name in _EXAMPLES else None
    return parameter.replace(annotation=Annotated[parameter.annotation, place(strict=True, examples=examples)])


def as_json(content: object, status: int = 200) -> Response:
    """Return `content` as an answer of characters that any client can read: a message may quote half a character."""
    return Response(json.dumps(content, allow_nan=False), status, media_type="application/json")


async def _given(request: Request) -> dict[str, Any]:
    """The arguments as they were sent.

    Raises:
        UserError: there is no JSON object.
    """
    if request.method == "GET":
        return dict(request.query_params)
    try:
        given = json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise UserError(f"The body is not JSON: {str(error)[:200]}") from error
    if not isinstance(given, dict):
        raise UserError("The body must be a JSON object of the arguments")
    return given


async def _refused(request: Request, error: Exception) -> Response:
    return as_json({"detail": str(error)}, 422)


async def _not_taken(request: Request, error: Exception) -> Response:
    """Refuse what FastAPI does not take, in the line that gradio's endpoint has for it."""
    assert isinstance(error, RequestValidationError)
    try:
        check_arguments(request.scope["endpoint"].__wrapped__, await _given(request))
    except UserError as refusal:
        return await _refused(request, refusal)
    if "json" not in request.headers.get("content-type", ""):
        return as_json({"detail": "Send the body with the header content-type: application/json"}, 422)
    fault = error.errors()[0]
    return as_json({"detail": f"'{fault['loc'][-1]}' is not taken: {fault['msg']}"}, 422)


async def _no_such_thing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    words = {404: f"There is no such endpoint; {PREFIX}/ lists them", 405: f"{request.method} is not taken here"}
    return as_json({"detail": words.get(error.status_code, error.detail)}, error.status_code)


def _page(request: Request) -> Response:
    folder = Path(__file__).parent
    parts = {name: (folder / f"rest_page.{name}").read_text(encoding="utf-8") for name in ("css", "js")}
    return Response(_PAGE.format(style=parts["css"], script=parts["js"]), media_type="text/html")
