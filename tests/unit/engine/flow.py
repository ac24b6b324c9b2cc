"""Random flows between an engine and the venue: what arrives when, how often and whether at all is drawn."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

from tests.oracles import ledger_checker as checker
from tests.unit.engine.harness import (
    BTC,
    COIN,
    INSTRUMENTS,
    INVERSE,
    MONEY,
    RUN,
    SECOND,
    SPOT,
    T0,
    Bench,
    config,
    encoded,
    fractions,
)
from tests.unit.engine.venue import FakeVenue, Resting, action_of, decimal, link_of, place_of
from tradectl.engine.config import StrategyConfig
from tradectl.engine.order_state import leg_of
from tradectl.engine.strategy import Strategy
from tradectl.engine.trading_engine import TradingEngine
from tradectl.model.commands import (
    CancelOrder,
    Command,
    ExecutionBooked,
    LookUpOrder,
    OrderChanged,
    Reconcile,
    RiskApproved,
)
from tradectl.model.events import (
    Action,
    AmendRequested,
    CancelRequested,
    CloseRequested,
    ConnectionChanged,
    Event,
    Executed,
    OrderAnswered,
    OrderReported,
    OrderRequested,
    ProtectRequested,
    QuoteChanged,
    Reaction,
    ReconcileRequested,
    ResumeRequested,
)
from tradectl.model.ids import parse_link_id
from tradectl.model.instruments import InstrumentId
from tradectl.model.orders import OrderStatus, OrderType, Protection, Side, TimeInForce, Trigger

NEVER_THERE = {
    OrderStatus.LOST, OrderStatus.REJECTED, OrderStatus.REFUSED, OrderStatus.EXPIRED, OrderStatus.CANCELLED,
}  # fmt: skip
#: Ids are reserved durably in blocks of this many.
BLOCK = 5
PRICE = Decimal(100)


class Choices:
    """A list of numbers, read one by one, as decisions; exhausted, it always says 0."""

    def __init__(self, numbers: list[int]) -> None:
        self._numbers: Iterator[int] = iter(numbers)

    def pick(self, count: int) -> int:
        return next(self._numbers, 0) % count


class Idle(Strategy):
    """Owns a book and does nothing: persons trade in its name."""


class Maker(Strategy):
    """Quotes both sides, and a new order where one was filled: both may fill, and then it holds both legs."""

    def on_start(self) -> None:
        self.subscribe_quotes("BTCUSDT")

    def on_quote(self, quote: QuoteChanged) -> None:
        taken = {order.side for order in self.orders if not order.reduce_only}
        for side, send in ((Side.BUY, self.buy), (Side.SELL, self.sell)):
            if side not in taken:
                price = quote.bid - 1 if side is Side.BUY else quote.ask + 1
                send("BTCUSDT", "0.3", price, post_only=True, reason="quote")


BOOKS = ("operator", "alpha")


class Flow:
    """Engine, venue and everything on the way between them. ``stops``: orders with triggers and stops, too; ``hedge``:
    two legs, two books and a stranger; ``inverse``: a contract settled in coins beside the others; ``maker``: ``alpha``
    quotes both sides itself."""

    def __init__(
        self, choices: Choices, bench: Bench | None = None, states_pnl: bool = True, stops: bool = False,
        hedge: bool = False, inverse: bool = False, maker: bool = False,
    ) -> None:  # fmt: skip
        self.choices = choices
        alpha = StrategyConfig(name="alpha", class_="maker" if maker else "idle")
        mode = "hedge" if hedge else "one_way"
        self.bench = bench or Bench(config(alpha, position_mode=mode), {"idle": Idle, "maker": Maker})
        self.bench.more = (INVERSE,) if inverse else ()
        self.stops, self.hedge, self.inverse = stops, hedge, inverse
        self.venue = FakeVenue({i.id: i for i in (*INSTRUMENTS, *self.bench.more)}, fractions(MONEY), T0, states_pnl)
        self.to_venue: list[RiskApproved | CancelOrder] = []
        self.questions: list[LookUpOrder | Reconcile] = []
        self.to_engine: list[Event] = []
        self.reserved = 1
        self.checkpoint: tuple[int, bytes] | None = None
        self.sent: dict[str, int] = {}
        self.booked: dict[str, int] = {}
        self.seen: dict[str, tuple[Decimal, OrderStatus]] = {}
        self.unwanted: set[str] = set()
        #: Orders an amendment ever left for, also when the journal has lost it since: the venue may know more of them.
        self.amended: set[str] = set()
        self.cut = False
        self._start()
        self._answer(self.questions.pop(0))
        self.feed(self.to_engine.pop(0))  # the books begin on the account as it is
        self.begun = len(self.bench.events)

    def _start(self, restored: bool = False) -> None:
        self.bench.now = max(self.bench.now, self.venue.now)
        self._carry(tuple(self.bench.start(RUN, restored, self.reserved)))
        for id_ in self.quoted():
            self._carry(tuple(self.bench.quote(id_, float(PRICE))))

    def quoted(self) -> tuple[InstrumentId, ...]:
        return (BTC, SPOT, COIN) if self.inverse else (BTC, SPOT)

    # --- delivery

    def feed(self, event: Event) -> tuple[Command, ...]:
        """Deliver one event now; what the engine answers goes on its way."""
        self.bench.now = max(self.bench.now, self.venue.now, event.received)
        out = self.bench.feed(event)
        self._carry(out)
        return out

    def _carry(self, out: tuple[Command, ...]) -> None:
        self._judge(out)
        if self.bench.engine.world.order_seq > self.reserved:
            self.reserved = self.bench.engine.world.order_seq + BLOCK
        for command in out:
            if isinstance(command, RiskApproved) and command.order is not None:
                link = command.order.link_id
                self.sent[link] = self.sent.get(link, 0) + 1
            if isinstance(command, RiskApproved) and command.amendment is not None:
                self.amended.add(command.amendment.link_id)
            if isinstance(command, RiskApproved | CancelOrder):
                self.to_venue.append(command)
            elif isinstance(command, LookUpOrder | Reconcile):
                self.questions.append(command)

    def _judge(self, out: tuple[Command, ...]) -> None:
        """What must hold after every single step."""
        for command in out:
            if isinstance(command, ExecutionBooked):
                exec_id = command.execution.exec_id
                self.booked[exec_id] = self.booked.get(exec_id, 0) + 1
                assert self.booked[exec_id] == 1, f"{exec_id} was booked twice"
            if isinstance(command, OrderChanged):
                filled, status = self.seen.get(command.link_id, (Decimal(0), OrderStatus.QUEUED))
                assert command.filled >= filled, f"{command.link_id} went back from {filled} to {command.filled}"
                if status is OrderStatus.FILLED and command.link_id not in self.amended:
                    assert command.status is OrderStatus.FILLED, f"{command.link_id} was filled, is {command.status}"
                self.seen[command.link_id] = (command.filled, command.status)

    def step(self) -> None:
        """One drawn happening."""
        often = (
            self.person_orders, self.venue_takes, self.venue_fills, self.message_arrives, self.question_answered,
            self.message_arrives, self.message_repeats, self.person_orders, self.venue_takes, self.question_answered,
            self.venue_fills,
        )  # fmt: skip
        seldom = (
            self.person_cancels, self.person_amends, self.request_lost, self.answer_lost, self.venue_cancels,
            self.time_passes, self.funding, self.person_resumes,
        )  # fmt: skip
        rare = (self.stream_breaks, self.crash, self.take_checkpoint, self.power_loss)
        if self.stops and not self.choices.pick(4):
            self._step_of_stops()
            return
        if (self.hedge or self.inverse) and not self.choices.pick(6):
            (self.stranger_trades, self.price_moves, self.funding, self.person_closes)[self.choices.pick(4)]()
            return
        kind = self.choices.pick(40)
        actions = often if kind < 29 else seldom if kind < 39 else rare
        actions[self.choices.pick(len(actions))]()

    def _step_of_stops(self) -> None:
        actions = (
            self.person_brackets, self.person_protects, self.venue_triggers, self.person_waits, self.venue_triggers,
            self.person_moves_trigger, self.person_buys_for_an_amount, self.person_closes, self.price_moves,
            self.person_brackets, self.venue_loses_stops,
        )  # fmt: skip
        actions[self.choices.pick(len(actions))]()

    # --- a person

    def _side(self) -> Side:
        return Side.BUY if self.choices.pick(2) else Side.SELL

    def _book(self) -> str:
        return BOOKS[self.choices.pick(2)]

    def _lots(self) -> Decimal:
        return Decimal(self.choices.pick(5) + 1) / 10

    def person_brackets(self) -> None:
        """An entry with one or two stops attached."""
        side, which = self._side(), self.choices.pick(3)
        loss, profit = (Decimal(80), Decimal(120)) if side is Side.BUY else (Decimal(120), Decimal(80))
        attached = Protection(profit if which != 1 else None, loss if which != 2 else None)
        limit = self.choices.pick(2)
        self.feed(
            OrderRequested(
                self.bench.now,
                "me",
                BTC,
                side,
                OrderType.LIMIT if limit else OrderType.MARKET,
                self._lots(),
                PRICE if limit else None,
                strategy=self._book(),
                protection=attached,
            )
        )

    def person_waits(self) -> None:
        """An order that waits for a price: an entry, or reduce-only."""
        side = self._side()
        trigger = Trigger(Decimal(110) if side is Side.BUY else Decimal(90), side is Side.BUY)
        self.feed(
            OrderRequested(
                self.bench.now,
                "me",
                BTC,
                side,
                OrderType.MARKET,
                self._lots(),
                strategy=self._book(),
                trigger=trigger,
                reduce_only=bool(self.choices.pick(2)),
            )
        )

    def person_buys_for_an_amount(self) -> None:
        amount = Decimal(10 * (self.choices.pick(4) + 1))
        self.feed(OrderRequested(self.bench.now, "me", SPOT, Side.BUY, OrderType.MARKET, amount, quote_qty=True))

    def person_closes(self) -> None:
        self.feed(CloseRequested(self.bench.now, "me", BTC, self._book()))

    def person_protects(self) -> None:
        """Stops for a book that holds something, fixed or trailing, or their removal."""
        book = self._book()
        held = [size for name, _, size in self._sizes() if name == book]
        size = held[self.choices.pick(len(held))]
        idx = (1 if size > 0 else 2) if self.hedge and self.choices.pick(4) else 0
        away = Decimal(self.choices.pick(20) + 5) * (1 if size > 0 else -1)
        kind = self.choices.pick(5)
        loss, profit = PRICE - away, PRICE + away
        asked = (
            {"stop_loss": loss}, {"stop_loss": loss, "take_profit": profit}, {"trailing": abs(away)},
            {"take_profit": profit}, {"stop_loss": Decimal(0), "take_profit": Decimal(0)},
        )  # fmt: skip
        self.feed(ProtectRequested(self.bench.now, "me", BTC, book, position_idx=idx, **asked[kind]))

    def person_moves_trigger(self) -> None:
        orders = [o for o in self.bench.engine.world.open_orders() if o.is_dormant and o.spec.trigger is not None]
        if orders:
            order = orders[self.choices.pick(len(orders))]
            assert order.spec.trigger is not None
            moved = PRICE + Decimal(self.choices.pick(15) + 5) * (1 if order.spec.trigger.rises else -1)
            self.feed(AmendRequested(self.bench.now, "me", order.link_id, trigger_price=moved))

    def price_moves(self) -> None:
        """The market moves a little: trailing stops follow."""
        price = float(PRICE) + self.choices.pick(9) - 4
        for id_ in self.quoted():
            self._carry(tuple(self.bench.quote(id_, price)))

    def venue_triggers(self) -> None:
        """A price was touched that an order waits for; the feed is silent about it."""
        dormant = [o for o in self.venue.open_orders() if o.is_dormant]
        if dormant:
            order = dormant[self.choices.pick(len(dormant))]
            self.venue.trigger(order)
            if order.is_open and self.choices.pick(2):
                self.venue.fill(order, order.leaves, PRICE)
            self._hear()

    def venue_loses_stops(self) -> None:
        """For a while the venue does not make the stops that were attached."""
        self.venue.loses_stops = not self.venue.loses_stops

    def person_orders(self) -> None:
        kind = self.choices.pick(6)
        instrument = SPOT if kind == 5 else BTC
        side = Side.BUY if self.choices.pick(2) else Side.SELL
        lots = Decimal(self.choices.pick(5) + 1) / 10
        limit = kind in (1, 2, 5)
        price = PRICE + Decimal(self.choices.pick(7) - 3) / 10 if limit else None
        tif = TimeInForce.POST_ONLY if kind == 2 else TimeInForce.GTC
        order_type = OrderType.LIMIT if limit else OrderType.MARKET
        book = self._book() if self.stops or self.hedge else ""
        if self.inverse and instrument == BTC and self.choices.pick(2):
            instrument, lots = COIN, lots * 130
        self.feed(OrderRequested(self.bench.now, "me", instrument, side, order_type, lots, price, tif, strategy=book))

    def _an_open_order(self) -> str:
        links = [link for link, (_, status) in self.seen.items() if not status.is_final]
        return links[self.choices.pick(len(links))] if links else ""

    def person_cancels(self) -> None:
        link = self._an_open_order()
        if link:
            self.feed(CancelRequested(self.bench.now, "me", link))
            self.unwanted.add(link)

    def person_resumes(self) -> None:
        self.feed(ResumeRequested(self.bench.now, "me"))

    def person_amends(self) -> None:
        link = self._an_open_order()
        if link and self.bench.engine.world.orders[link].price is not None:
            lots = Decimal(self.choices.pick(8) + 1) / 10
            lots *= 130 if self.bench.engine.world.orders[link].instrument == COIN else 1
            self.feed(AmendRequested(self.bench.now, "me", link, lots, None))

    # --- on the way to the venue

    def venue_takes(self) -> None:
        """A request arrives; its answer sets out."""
        if self.to_venue:
            self._take(self.to_venue.pop(self.choices.pick(len(self.to_venue))), self.choices.pick(4) == 3)

    def _take(self, command: RiskApproved | CancelOrder, crosses: bool = False) -> None:
        create = isinstance(command, RiskApproved) and command.order is not None
        if create and crosses and self.choices.pick(3) == 2:
            reaction = (Reaction.FIX, Reaction.RETRY)[self.choices.pick(2)]
            self.to_engine.append(
                OrderAnswered(self.venue.tick(), link_of(command), Action.CREATE, 10006, "", reaction)
            )
            return
        answer = self.venue.receive(command, crosses)
        self._hear()
        self.to_engine.append(answer)

    def answer_lost(self) -> None:
        """A request arrives, its answer does not."""
        if self.to_venue:
            command = self.to_venue.pop(self.choices.pick(len(self.to_venue)))
            self.venue.receive(command)
            self._hear()
            self.to_engine.append(self.venue.silence(command))

    def request_lost(self) -> None:
        """A request never arrives."""
        if self.to_venue:
            command = self.to_venue.pop(self.choices.pick(len(self.to_venue)))
            self.to_engine.append(self.venue.silence(command))

    def _hear(self) -> None:
        self.to_engine += self.venue.said
        self.venue.said.clear()

    # --- at the venue

    def _at_venue(self, fillable: bool = False) -> Resting | None:
        orders = [o for o in self.venue.open_orders() if not o.is_dormant or not fillable]
        return orders[self.choices.pick(len(orders))] if orders else None

    def venue_fills(self) -> None:
        order = self._at_venue(fillable=True)
        if order is not None and order.quote_qty:
            self.venue.fill(order, (order.qty - order.cum_value) / PRICE, PRICE)
            self._hear()
        elif order is not None:
            step = Decimal(1) if order.instrument == COIN else Decimal("0.1")
            qty = (self.choices.pick(int(order.leaves / step)) + 1) * step
            self.venue.fill(order, qty, PRICE + Decimal(self.choices.pick(9) - 4) / 10)
            self._hear()

    def venue_cancels(self) -> None:
        order = self._at_venue()
        if order is not None:
            self.venue.cancel(order)
            self._hear()

    def funding(self) -> None:
        instrument = COIN if self.inverse and self.choices.pick(2) else BTC
        self.venue.fund(instrument, Fraction(self.choices.pick(5) - 2, 10_000), PRICE)
        self._hear()

    def stranger_trades(self) -> None:
        """Somebody trades by hand on the same account, in hedge mode on either leg."""
        side, idx = self._side(), self.choices.pick(2) + 1 if self.hedge else 0
        qty = self._lots()
        held = self.venue.sizes.get(place_of(BTC, idx), Fraction(0))
        closes = idx and (side is Side.BUY) != (idx == 1)
        if not closes or abs(held) >= Fraction(qty):
            order = self.venue.place_foreign(BTC, side, qty, PRICE, idx)
            self.venue.fill(order, qty, PRICE)
            self._hear()

    # --- on the way to the engine

    def message_arrives(self) -> None:
        if self.to_engine:
            self.feed(self.to_engine.pop(self.choices.pick(len(self.to_engine))))

    def message_repeats(self) -> None:
        if self.to_engine:
            self.feed(self.to_engine[self.choices.pick(len(self.to_engine))])

    def question_answered(self) -> None:
        """The venue is read; the answer sets out and may arrive late."""
        if self.questions:
            self._answer(self.questions.pop(self.choices.pick(len(self.questions))))

    def _answer(self, question: LookUpOrder | Reconcile) -> None:
        self.venue.now = max(self.venue.now, self.bench.now)
        self.venue.tick()
        if isinstance(question, Reconcile):
            self.to_engine.append(self.venue.reconciled(question.since))
            return
        on_the_way = any(
            link_of(c) == question.link_id and action_of(c) is Action.CREATE for c in self.to_venue
        )  # an order still on its way may yet arrive: absence proves nothing
        self.to_engine.append(self.venue.looked_up(question.link_id, not on_the_way, question.order_id))

    def time_passes(self) -> None:
        out = self.bench.wait(SECOND * (1, 2, 12)[self.choices.pick(3)])
        self.venue.now = max(self.venue.now, self.bench.now)
        self._carry(tuple(out))

    def stream_breaks(self) -> None:
        """The private stream breaks and what was on it is lost; it comes back at once or after a while."""
        self.to_engine = [e for e in self.to_engine if not isinstance(e, Executed | OrderReported)]
        self.feed(ConnectionChanged(self.bench.now, "private", False, "cut"))
        if self.choices.pick(2):
            self.time_passes()
        self.feed(ConnectionChanged(self.bench.now, "private", True))

    # --- crashes

    def take_checkpoint(self) -> None:
        self.checkpoint = (len(self.bench.events), self.bench.engine.checkpoint())

    def crash(self) -> None:
        """The process dies, perhaps between journal and sending; what was on the sockets is lost."""
        if self.choices.pick(2) and self.to_venue:
            self.to_venue.pop()  # it was journalled, it never left
        bench = self.bench
        at, data = self.checkpoint if self.checkpoint is not None else (0, None)
        engine, again = bench.reborn(data, bench.events[at:])
        for one, other in zip(again, bench.answers[at:], strict=True):
            assert encoded(one) == encoded(other)
        assert engine.checkpoint() == bench.engine.checkpoint()
        self._return_as(engine)

    def power_loss(self) -> None:
        """The machine dies: the newest entries of the journal, orders among them, are lost with it."""
        bench = self.bench
        at, data = self.checkpoint if self.checkpoint is not None else (0, None)
        first = max(at, self.begun)  # what made the books begin is on disk
        keep = max(len(bench.events) - self.choices.pick(8), first)
        del bench.events[keep:], bench.answers[keep:]
        engine, _ = bench.reborn(data, bench.events[at:])
        bench.timers = dict(engine.world.timers)
        self.booked.clear()
        self.seen.clear()
        for out in bench.answers:
            self._judge(out)
        asked = {e.link_id for e in bench.events if isinstance(e, CancelRequested)}
        self.unwanted &= asked
        self.cut = True
        self._return_as(engine)

    def _return_as(self, engine: TradingEngine) -> None:
        self.bench.engine = engine
        self.questions.clear()
        self.to_engine.clear()
        self._start(restored=True)

    # --- the end

    def finish(self) -> None:
        """Let everything arrive that is on its way, and everything be asked that the engine wants to know."""
        for round_ in range(400):
            while self.to_venue or self.to_engine or self.questions:
                if self.to_venue:
                    self._take(self.to_venue.pop(0))
                elif self.to_engine:
                    self.feed(self.to_engine.pop(0))
                else:
                    self._answer(self.questions.pop(0))
            if round_ > 4 and not self.bench.engine.world.unreconciled and self._quiet() and not self.unprotected():
                break
            out = self.bench.wait(4 * SECOND)
            self.venue.now = max(self.venue.now, self.bench.now)
            self._carry(tuple(out))
            if round_ == 3:
                self.feed(ReconcileRequested(self.bench.now, "me"))
        else:
            raise AssertionError(f"the flow never came to rest: {self.unprotected()}")

    def unprotected(self) -> list[str]:
        """Where the venue does not hold exactly the stops a book is meant to have."""
        world = self.bench.engine.world
        wrong = []
        for book, sign, size in self._sizes():
            net = world.venue_size(BTC, sign)
            needed = min(abs(size), net)
            levels = self.bench.engine.protections.wanted(book, BTC, sign)
            for leg, level in zip(("stop_loss", "take_profit"), levels, strict=True):
                standing = self._standing(book, leg, sign)
                stands = sum((o.leaves for o in standing), Decimal(0))
                over = stands > needed and any(not o.is_dormant for o in standing)  # it closes already
                if level is not None and needed and stands != needed and not over:
                    wrong.append(f"{book} holds {size} of {net}, its {leg} {stands}")
                elif not size and any(o.is_dormant for o in standing):
                    wrong.append(f"{book} is flat and its {leg} still stands")
        return wrong

    def _sizes(self) -> list[tuple[str, int, Decimal]]:
        """What each book holds on which side, of hedge mode leg by leg."""
        portfolio, found = self.bench.engine.world.portfolio, []
        for book in BOOKS:
            for idx in (1, 2) if self.hedge else (0,):
                size = portfolio.sizes(BTC, idx).get(book, Decimal(0))
                side = 0 if not idx and not size else 1 if idx == 1 or (not idx and size > 0) else -1
                found.append((book, side, size))
        return found

    def _standing(self, book: str, leg: str, sign: int) -> list[Resting]:
        """The venue's open stops of a book, by our own word on whose they are and what for."""
        orders = self.bench.engine.world.orders
        ours = [(o, orders.get(o.link_id or o.order_id)) for o in self.venue.open_orders()]
        return [
            o for o, known in ours
            if known is not None and known.strategy == book and known.is_stop and leg_of(known) == leg
            and o.side.sign != sign
        ]  # fmt: skip

    def _quiet(self) -> bool:
        return not self.to_venue and not self.to_engine and not self.questions

    def compare(self) -> None:
        """The engine's view is the venue's, to the last digit."""
        world = self.bench.engine.world
        for link, order in self.venue.orders.items():
            if self.cut and link not in world.orders and not order.is_open:
                continue  # lived and ended in what the journal lost; its executions are compared below
            if (order.parent or not order.link_id) and link not in world.orders and not order.is_open:
                continue  # an attached stop that came and went unseen
            ours = world.orders[link]
            assert ours.status is order.status, f"{link}: {ours.status} here, {order.status} there"
            assert ours.cum_qty == ours.booked == order.cum_qty, f"{link}: {ours} {order}"
            assert ours.qty == order.qty
        for link, ours in world.orders.items():
            if link not in self.venue.orders:
                assert ours.status in NEVER_THERE, f"{link} is {ours.status} and the venue never had it"
                assert ours.booked == 0
        assert {o.link_id for o in world.open_orders()} == {o.link_id or o.order_id for o in self.venue.open_orders()}
        assert not self.unwanted & {o.link_id for o in self.venue.open_orders()}, "a cancel was forgotten"
        self._compare_money()
        assert set(self.booked) == {e.exec_id for e in self.venue.executions}
        assert all(count == 1 for count in self.sent.values()), f"sent twice: {self.sent}"
        assert all(count == 1 for count in self.venue.creates.values())
        assert all(parse_link_id(link) is not None for link in self.sent)

    def _compare_money(self) -> None:
        state = self.bench.engine.world.portfolio.state
        assert {c: a for c, a in state.cash.items() if a} == {c: decimal(a) for c, a in self.venue.cash.items() if a}
        for place, size in self.venue.sizes.items():
            instrument, idx = place if isinstance(place, tuple) else (place, 0)
            ours = dict(self.bench.engine.world.portfolio.positions_of(instrument))[idx]
            assert (ours.size, ours.cost) == (decimal(size), decimal(self.venue.costs[place]))
            assert sum(self.bench.engine.world.portfolio.sizes(instrument, idx).values()) == ours.size
        for instrument, paid in self.venue.funding_paid.items():
            assert state.nets[instrument].funding == decimal(paid)
        for instrument, net in state.nets.items():
            books = [b[instrument] for b in state.books.values() if instrument in b]
            for name in ("size", "cash_flow", "fees", "funding", "slippage"):
                assert sum((getattr(b, name) for b in books), Decimal(0)) == getattr(net, name), name
            for book in (*books, net):
                assert book.cash_flow + book.cost == book.realised
                assert book.components(PRICE).total == book.equity(PRICE)
        self._compare_equity()

    def _compare_equity(self) -> None:
        """The account's worth against the independent checker, and the strategies' profits against the account's."""
        world = self.bench.engine.world
        coins = {(i.category.value, i.symbol): i for i in self.venue.instruments}
        infos = {k: self.venue.instruments[i] for k, i in coins.items()}
        named = {k: {"base": i.base_coin, "quote": i.quote_coin, "settle": i.settle_coin} for k, i in infos.items()}
        funds = [{"coin": coin, "amount": str(amount)} for coin, amount in MONEY.items()]
        checked = checker.recompute([self._row(n) for n in range(len(self.venue.executions))], funds, named)
        marks = {k: str(world.market.mark(i)) for k, i in coins.items() if world.market.mark(i) is not None}
        prices = {"USDT": "1", "BTC": marks["spot", "BTCUSDT"]}
        value = world.valuation.account()
        assert not value.unpriced
        assert Fraction(value.equity) == checker.equity(checked, marks, prices)
        start = sum(Fraction(amount) * Fraction(prices[coin]) for coin, amount in MONEY.items())
        profits = sum(Fraction(world.valuation.strategy(name).equity) for name in world.portfolio.state.books)
        rounding = Fraction(len(world.portfolio.state.books), 10**8) * Fraction(prices["BTC"]) if self.inverse else 0
        assert abs(Fraction(value.equity) - start - profits) <= rounding

    def _row(self, number: int) -> dict[str, object]:
        """An execution as the wire has it, for the checker."""
        e = self.venue.executions[number]
        idx = 0
        if self.hedge and e.instrument == BTC:
            order = self.venue.find(e.link_id, e.order_id)
            idx = order.position_idx if order is not None else 1 if e.side is Side.BUY else 2
        return {
            "execId": e.exec_id, "category": e.instrument.category.value, "symbol": e.instrument.symbol,
            "side": e.side.value, "execQty": str(e.qty), "execPrice": str(e.price), "execValue": str(e.value),
            "execFee": str(e.fee), "feeCurrency": e.fee_coin, "execType": e.type, "execTime": str(e.ts),
            "seq": number, "positionIdx": idx,
        }  # fmt: skip


def engine_of(flow: Flow) -> TradingEngine:
    """The engine that is alive now."""
    return flow.bench.engine
