"""Operations on Redis as data; pure."""
