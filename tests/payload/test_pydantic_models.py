"""Pydantic models as payloads."""

from datetime import timedelta

import pytest
from pydantic import AliasChoices, BaseModel, ConfigDict
from pydantic import Field as PydanticField

from pyasynq.errors import PayloadError
from pyasynq.payload import PayloadCodec, encode_result


class Context: ...


class Image(BaseModel):
    user: int = PydanticField(alias="UserID")
    ttl: timedelta = timedelta(0)
    sizes: list[int] = []
    name: str = PydanticField("", validation_alias=AliasChoices("Name", "name"))
    parent: "Image | None" = None


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    sizes: set[int]


def resize(image: Image): ...


def copy(image: Image, times: int): ...


def test_a_sole_model_is_the_whole_payload_by_its_aliases():
    image = Image(UserID=1, ttl=timedelta(seconds=2), parent=Image(UserID=2))
    codec = PayloadCodec(resize, Context)

    encoded = codec.encode(image)

    assert encoded == (
        b'{"UserID":1,"name":"","parent":{"UserID":2,"name":"","parent":null,"sizes":[],'
        b'"ttl":0},"sizes":[],"ttl":2000000000}'
    )
    assert codec.decode(encoded) == {"image": image}


def test_a_model_beside_others_is_in_the_object():
    codec = PayloadCodec(copy, Context)

    encoded = codec.encode(Image(UserID=1), 3)

    assert encoded.startswith(b'{"image":{"UserID":1,')
    assert codec.decode(encoded) == {"image": Image(UserID=1), "times": 3}


def test_what_go_writes_is_read_leniently():
    payload = b'{"UserID":1.0,"ttl":1500000000,"sizes":null,"parent":{"UserID":2,"ttl":1000}}'

    decoded = PayloadCodec(resize, Context).decode(payload)

    parent = Image(UserID=2, ttl=timedelta(microseconds=1))
    assert decoded == {"image": Image(UserID=1, ttl=timedelta(seconds=1.5), parent=parent)}


def test_a_strict_model_is_read_as_json():
    def handle(strict: Strict): ...

    decoded = PayloadCodec(handle, Context).decode(b'{"sizes":[1,2]}')

    assert decoded == {"strict": Strict(sizes={1, 2})}


@pytest.mark.parametrize(
    ("function", "payload", "path"),
    [
        (resize, b'{"UserID":"x"}', "$.UserID"),
        (resize, b'{"UserID":1,"parent":{"UserID":"x"}}', "$.parent.UserID"),
        (resize, b'{"UserID":1,"sizes":[1,"x"]}', "$.sizes[1]"),
        (copy, b'{"image":{"UserID":"x"},"times":1}', "$.image.UserID"),
    ],
)
def test_what_does_not_fit_says_where(function, payload, path):
    with pytest.raises(PayloadError) as caught:
        PayloadCodec(function, Context).decode(payload)

    assert caught.value.path == path
    assert "input should be a valid integer" in str(caught.value)


def test_a_dict_is_accepted_for_a_model_and_checked():
    codec = PayloadCodec(resize, Context)

    assert codec.encode({"UserID": 1}) == codec.encode(Image(UserID=1))
    with pytest.raises(PayloadError, match=r"\$\.UserID: field required"):
        codec.encode({})


def test_a_model_with_a_wrong_field_is_refused():
    broken = Image.model_construct(user="x")

    with pytest.raises(PayloadError, match=r"\$\.UserID: input should be a valid integer"):
        PayloadCodec(resize, Context).encode(broken)


def test_a_model_is_a_result():
    assert encode_result([Strict(sizes={2})]) == b'[{"sizes":[2]}]'
