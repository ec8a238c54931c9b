"""The server that the benchmark `api` asks: twenty operations, two of them with seeded mistakes."""

from typing import Annotated, Any, Literal

from fastapi import FastAPI, HTTPException, Path, Query, Response
from pydantic import BaseModel, Field

PAGE = 20
Id = Annotated[int, Path(ge=1, le=1_000_000)]
Limit = Annotated[int, Query(ge=1, le=100)]


class Money(BaseModel):
    """An amount."""

    cents: int = Field(ge=0, le=10_000_000)
    currency: Literal["EUR", "USD", "CHF"] = "EUR"


class Product(BaseModel):
    """Something for sale."""

    name: str = Field(min_length=1, max_length=80)
    price: Money
    tags: list[str] = Field(default_factory=list, max_length=5)


class Line(BaseModel):
    """Part of an order."""

    product: int = Field(ge=1, le=1_000_000)
    count: int = Field(ge=1, le=99)


class Order(BaseModel):
    """What somebody buys."""

    customer: str = Field(min_length=1, max_length=40)
    lines: list[Line] = Field(min_length=1, max_length=4)
    note: str | None = Field(default=None, max_length=200)


class Basket(BaseModel):
    """What somebody may buy."""

    counts: list[Annotated[int, Field(ge=1, le=99)]] = Field(min_length=1, max_length=4)
    coupon: str | None = Field(default=None, max_length=20)


class ProductChange(BaseModel):
    """What becomes of a product."""

    title: str = Field(min_length=1, max_length=80)
    cents: int = Field(ge=0, le=10_000_000)


class Review(BaseModel):
    """What somebody thinks of a product."""

    stars: int = Field(ge=1, le=5)
    text: str = Field(max_length=500)


class Stored(BaseModel):
    """What a write gives back."""

    id: int


class Total(BaseModel):
    """A sum."""

    cents: int


UNREADABLE: dict[int | str, dict[str, Any]] = {
    400: {"description": "the request cannot be read"}
}  # Any: as FastAPI declares it
app = FastAPI(title="Shop", responses=UNREADABLE)
MISSING: dict[int | str, dict[str, Any]] = {404: {"description": "there is none"}}
READ = ("products", "orders", "customers", "reviews", "shops", "carriers")


def _add_reads(kind: str) -> None:
    """A list and a single thing of a kind."""

    @app.get(f"/{kind}", operation_id=f"list_{kind}", tags=[kind])
    def listed(limit: Limit = PAGE, after: Annotated[int, Query(ge=0)] = 0) -> list[Stored]:
        return [Stored(id=after + index + 1) for index in range(min(limit, 3))]

    @app.get(f"/{kind}/{{id}}", operation_id=f"read_{kind}", tags=[kind], responses=MISSING)
    def read(id: Id) -> Stored:
        if id % 7 == 0:
            raise HTTPException(404)
        return Stored(id=id)


for _kind in READ:
    _add_reads(_kind)


@app.post("/products", status_code=201)
def add_product(product: Product) -> Stored:
    """Take a product in."""
    return Stored(id=len(product.name))


@app.put("/products/{id}", responses=MISSING)
def change_product(id: Id, change: ProductChange) -> Stored:
    """Change it."""
    return Stored(id=id)


@app.post("/orders", status_code=201)
def add_order(order: Order) -> Stored:
    """Place an order."""
    return Stored(id=len(order.lines))


@app.post("/orders/total")
def total(basket: Basket) -> Total:
    """What it costs; a seeded mistake: large counts overflow."""
    count = sum(basket.counts)
    if count > 90:
        raise OverflowError(count)
    return Total(cents=count * 100)


@app.post("/products/{id}/reviews", status_code=201, responses=MISSING)
def add_review(id: Id, review: Review) -> Stored:
    """Say something about a product."""
    return Stored(id=review.stars)


@app.get("/search", response_model=list[Stored])
def search(text: Annotated[str, Query(max_length=50)], limit: Limit = PAGE) -> Response:
    """Find products; a seeded mistake: many are given as texts."""
    body = '[{"id": 1}]' if limit < 50 else '[{"id": "many"}]'
    return Response(body, media_type="application/json")


@app.delete("/orders/{id}", status_code=204, responses=MISSING)
def cancel(id: Id) -> None:
    """Cancel an order."""


@app.patch("/customers/{id}", responses=MISSING)
def rename(id: Id, name: Annotated[str, Query(min_length=1, max_length=40)]) -> Stored:
    """Give a customer another name."""
    return Stored(id=id)
