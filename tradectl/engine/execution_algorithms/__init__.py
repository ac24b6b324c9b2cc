"""Execution algorithms: TWAP, VWAP, iceberg, chase, grid, DCA ladder and scaled orders.

An algorithm states which orders should stand now; :mod:`algorithm_desk` carries it out through the order desk and the
risk manager, like anybody's orders. It is asked again after everything that concerns it, so a restart, a lost answer
or a refused order needs no path of its own: what is missing is asked for, what is too much is cancelled.
"""
