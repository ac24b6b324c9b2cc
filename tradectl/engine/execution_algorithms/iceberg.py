"""Iceberg: a large limit order of which only a part is shown; what fills is shown anew."""

from tradectl.engine.execution_algorithms.algorithm import Algorithm, Hand, Request, wrong
from tradectl.engine.execution_algorithms.slicing import is_finished
from tradectl.engine.parameters import param
from tradectl.model.money import exact, plain


class Iceberg(Algorithm):
    """One limit order of ``visible`` at a time, at ``limit``, until the size is filled."""

    kind = "iceberg"

    limit: float = param(0.0, low=0, help="the price of every order")
    visible: float = param(0.0, low=0, help="how much is shown, in base coin; 0: a tenth of the size")
    post_only: bool = param(False, help="only ever as the maker")

    def check(self, request: Request) -> None:
        price = self.price("limit", request.info)
        if price is None:
            raise wrong(self.kind, "limit", "is missing: an iceberg rests at a price", "set limit=PRICE")
        shown = exact(self.visible) or request.info.floor_qty(request.qty / 10)
        if shown % request.info.lot_size:
            raise self.refuse("visible", f"not a multiple of the lot {plain(request.info.lot_size)}", "round it")
        if shown > request.qty:
            raise self.refuse("visible", f"more than the whole size {plain(request.qty)}", "show less")
        self.check_piece("visible", shown, request, price)

    def act(self, hand: Hand) -> None:
        if is_finished(hand) or hand.open():
            return
        shown = exact(self.visible) or hand.info.floor_qty(hand.run.qty / 10)
        price, room = self.price("limit", hand.info), hand.room
        assert price is not None
        whole = hand.is_dust(room - shown, price)  # too little to be shown alone
        if hand.place("show", room if whole else shown, price, tif="PostOnly" if self.post_only else "GTC"):
            hand.say(f"shows {plain(shown)} at {plain(price)}")
