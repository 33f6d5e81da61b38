"""A server holds so many connections, and hangs up on the most silent ones."""

import asyncio

from pyasynq.web.connections import bounded


class Served(asyncio.Protocol):
    """Answers what it hears."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class Visitor(asyncio.Transport):
    """The side of a server towards a visitor who does nothing by itself."""

    def __init__(self, protocol):
        super().__init__()
        self.heard, self.is_gone = [], False
        self.protocol = protocol()
        self.protocol.connection_made(self)

    def write(self, data):
        self.heard.append(data)

    def say(self, text):
        self.protocol.data_received(text)

    def abort(self):
        self.is_gone = True
        self.protocol.connection_lost(None)


def test_whoever_was_silent_for_longest_has_to_go():
    protocol = bounded(Served, most=2)
    first, second = Visitor(protocol), Visitor(protocol)
    first.say(b"hello")

    third = Visitor(protocol)

    assert [each.is_gone for each in (first, second, third)] == [False, True, False]
    assert first.heard == [b"hello"]


def test_a_visitor_who_has_left_makes_room():
    protocol = bounded(Served, most=2)
    first, second = Visitor(protocol), Visitor(protocol)
    first.abort()

    third = Visitor(protocol)

    assert [each.is_gone for each in (second, third)] == [False, False]
