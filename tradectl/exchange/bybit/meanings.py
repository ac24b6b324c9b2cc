"""What each answer code means and asks for (bybit-v5 8.4 and 10). The connector reports it; the engine decides.

``STOP`` halts trading. Codes that only say "no more opening orders" (not enough margin, delisting, limits of open
interest) refuse one order and are ``FIX`` with ``stops_opening``: the next order is judged anew.
"""

from msgspec import Struct

from tradectl.model.events import Action, Reaction

#: Codes of our own: no answer came (the venue's own -1, an expired request, is told apart by its message), and
#: certainly not sent.
NO_ANSWER = -1
NOT_SENT = -2


class Meaning(Struct, frozen=True):
    """``text`` completes "the venue says: ..."."""

    reaction: Reaction
    text: str
    stops_opening: bool = False


_R = Reaction
_OPENING = "stops opening"


def _table() -> dict[int, Meaning]:
    table: dict[int, Meaning] = {}
    for codes, reaction, text in _ROWS:
        for code in codes:
            if code in table:
                raise ValueError(f"code {code} is in the table twice")
            table[code] = Meaning(
                _R.FIX if reaction == _OPENING else Reaction(reaction), text, stops_opening=reaction == _OPENING
            )
    return table


def _span(first: int, last: int) -> tuple[int, ...]:
    return tuple(range(first, last + 1))


_ROWS: tuple[tuple[tuple[int, ...], Reaction | str, str], ...] = (
    ((0,), _R.OK, "success"),
    ((-1,), _R.RETRY, "the request expired before it was handled: check the clock"),
    ((403,), _R.STOP, "this address is over its limit or not served (HTTP 403): quiet for 10 minutes"),
    ((429,), _R.RECONCILE, "the venue is overloaded"),
    ((401,), _R.STOP, "the key was not accepted (HTTP 401)"),
    ((404, 10017), _R.FIX, "no such route"),
    ((10000, 500000), _R.RECONCILE, "server timeout"),
    ((10001,), _R.FIX, "a parameter is wrong"),
    ((10002,), _R.RETRY, "the timestamp is outside the window: check the clock"),
    ((10003,), _R.STOP, "the key is unknown here: wrong site or environment"),
    ((10004,), _R.STOP, "the signature is wrong"),
    ((10005,), _R.STOP, "the key lacks the permission"),
    ((10007,), _R.STOP, "authentication failed"),
    ((10009,), _R.STOP, "this region is not served"),
    ((10010,), _R.STOP, "this address is not on the key's list"),
    ((33004, -2015), _R.STOP, "the key has expired"),
    ((10006,), _R.RETRY, "too many requests of this kind: not executed"),
    ((10008, 10024, 10027, 10028, 10029, 100028), _R.STOP, "trading is banned for this account, key or symbol"),
    ((10014,), _R.RECONCILE, "duplicate request"),
    ((10016,), _R.RECONCILE, "server error or restart"),
    ((10019,), _R.RETRY, "this node is restarting and takes no new requests"),
    ((10403,), _R.RETRY, "this address sends more than 3,000 requests a second"),
    ((10404,), _R.FIX, "the operation or category is not known on the trade socket"),
    ((10429, 20003), _R.RETRY, "too frequent on this socket: not executed"),
    ((20001,), _R.FIX, "already authenticated"),
    ((20006,), _R.RECONCILE, "duplicate request id"),
    ((30228, 110023, 110042, 110074), _OPENING, "the symbol is being delisted or is not live"),
    ((34040,), _R.OK, "nothing to change"),
    ((40004,), _R.RECONCILE, "the order changed while it was being replaced"),
    ((110001,), _R.RECONCILE, "the order does not exist, or it is too late"),
    ((110003, 110120, 110121), _R.FIX, "the price is outside the allowed band"),
    (
        (110004, 110006, 110007, 110012, 110044, 110045, 110051, 110052, 110053),
        _OPENING,
        "not enough balance or margin",
    ),
    ((110005, 110079), _R.RETRY, "the position or order is busy"),
    ((110008,), _R.RECONCILE, "the order is already completed or cancelled"),
    ((110009,), _R.FIX, "too many conditional orders on this symbol: cancel some"),
    ((110020,), _R.FIX, "too many open orders on this symbol: cancel some"),
    ((110061,), _R.FIX, "too many take-profit and stop-loss orders on this symbol: cancel some"),
    ((170810,), _R.FIX, "spot: too many open, conditional or take-profit and stop-loss orders: cancel some"),
    ((110010,), _R.RECONCILE, "the order is already cancelled"),
    ((110011, 110039, 110040, 110046), _R.FIX, "this would liquidate the position"),
    ((110013, 110086, 110089, 110090), _R.FIX, "leverage or position size is above the risk tier"),
    ((110014, 110015, 110027, 110033, 110076, 110078), _R.FIX, "the margin cannot be changed like this"),
    ((110017,), _R.RECONCILE, "reduce-only finds nothing to reduce"),
    ((110018, 110019, 110032, 110049, 110050), _R.FIX, "an id, price step or coin is malformed"),
    ((110021,), _OPENING, "the open-interest limit is reached"),
    ((110022, 110064), _R.RECONCILE, "the amended quantity is not above what is filled"),
    ((110024, 110028), _R.FIX, "the position mode cannot change while there is a position or order"),
    ((110025,), _R.OK, "the position mode is as it should be"),
    ((110026, 110043), _R.OK, "the margin mode or leverage is as it should be"),
    ((110029,), _R.FIX, "this symbol cannot be held in hedge mode"),
    ((110036, 110038), _R.FIX, "the leverage is locked by the margin mode"),
    ((110057, 110058, 110060), _R.FIX, "take-profit or stop-loss parameters are wrong"),
    ((110059,), _R.FIX, "the take-profit or stop-loss of a partly filled order cannot be amended"),
    ((110063, 110066), _R.RETRY, "settlement is running: trading is not allowed now"),
    ((110072,), _R.RECONCILE, "this orderLinkId was already sent: the earlier order arrived"),
    ((110073, 3400045), _R.FIX, "the margin mode could not be set"),
    ((110092,), _R.FIX, "the trigger is to be reached from below, but the price is above it already"),
    ((110093,), _R.FIX, "the trigger is to be reached from above, but the price is below it already"),
    ((110094,), _R.FIX, "the order's value is below the minimum"),
    ((*_span(110095, 110100), 110103), _R.FIX, "not possible in this pre-market phase"),
    ((110101, 170346), _R.FIX, "the settle coin is not enabled as collateral"),
    ((110108, 110109), _R.FIX, "the slippage tolerance is out of range"),
    ((110118,), _R.RETRY, "no market price: the book is too thin"),
    ((110119, 170355), _R.FIX, "RPI is reserved for makers"),
    ((110123, 110125, 110132), _R.STOP, "terms not signed, or the region is not allowed"),
    ((131001, 131002, 131003), _R.RETRY, "the transfer service failed"),
    ((*_span(131200, 131213), *_span(131215, 131217), 131228, 131230), _R.FIX, "the transfer was refused"),
    ((131214,), _R.RECONCILE, "this transferId exists"),
    (
        (170001, 170007, 170032, 170146, 170147, 170149, 170150, 170310),
        _R.RECONCILE,
        "spot: internal error, the outcome is unknown",
    ),
    ((170005, 170222), _R.RETRY, "spot: too many orders or requests"),
    ((170033, 170131), _OPENING, "spot: not enough balance"),
    ((170115, 170116, 170117, 170121, 170130, 170201), _R.FIX, "spot: a parameter is wrong"),
    ((170124, 170341, 170381, 170382, 170197, 170198), _R.FIX, "spot: the size is too large"),
    (
        (170132, 170133, 170134, *_span(170192, 170194), 170371, 170372),
        _R.FIX,
        "spot: the price is outside the band or has too many decimals",
    ),
    ((170136, 170137, 170140, 170148), _R.FIX, "spot: the size or value is below the minimum or off the step"),
    ((170139, 170142, 170143, 170190, 170213), _R.RECONCILE, "spot: the order is filled, cancelled or not found"),
    ((170141,), _R.RECONCILE, "spot: this orderLinkId was already sent: the earlier order arrived"),
    ((170144, 170191, 170212), _R.RETRY, "spot: the order is locked or being cancelled"),
    ((170151, 170157, 170159, 170209, 170217), _OPENING, "spot: the pair cannot be traded now"),
    ((170313,), _R.RECONCILE, "spot: the amended quantity is below what is filled"),
    (_span(181001, 181019), _R.FIX, "a query parameter is wrong"),
    ((182021,), _R.FIX, "spot margin needs cross or portfolio margin"),
    ((3400139,), _OPENING, "the total value is above the risk limit"),
)

MEANINGS: dict[int, Meaning] = _table()
#: On the trade socket 10003 speaks of sessions, not of the key (bybit-v5 8.4).
TRADE_SOCKET: dict[int, Meaning] = {10003: Meaning(_R.RETRY, "too many sessions of this account on the trade socket")}
#: 110010 on a cancel is what was asked for.
CANCEL: dict[int, Meaning] = {110010: Meaning(_R.OK, "the order is already cancelled")}
#: 10001 says many things (bybit-v5 5.2, 6.4, 10, 12): what they ask for can only be told by the text.
VARIANTS: tuple[tuple[int, str, Meaning], ...] = (
    (10001, "zero position", Meaning(_R.RECONCILE, "there is no position to protect")),
    (10001, "position idx not match", Meaning(_R.FIX, "the order's position index does not fit the position mode")),
    (10001, "not modified", Meaning(_R.OK, "nothing to change")),
)
UNKNOWN = Meaning(_R.RECONCILE, "a code we do not know: the outcome is unknown")


def meaning_of(code: int, action: Action | None = None, message: str = "", *, trade_socket: bool = False) -> Meaning:
    """What ``code`` asks for. For an order request an unknown code (and any HTTP 5xx) means reconcile.

    ``message`` is looked into only where one code says several things.
    """
    if trade_socket and code in TRADE_SOCKET:
        return TRADE_SOCKET[code]
    if action is Action.CANCEL and code in CANCEL:
        return CANCEL[code]
    for ambiguous, words, meaning in VARIANTS:
        if code == ambiguous and words in message:
            return meaning
    return MEANINGS.get(code, UNKNOWN)


def can_read_again(code: int) -> bool:
    """Whether a read that failed with ``code`` may be tried again: reads change nothing, so unknown is enough."""
    return MEANINGS.get(code, UNKNOWN).reaction in (Reaction.RETRY, Reaction.RECONCILE)
