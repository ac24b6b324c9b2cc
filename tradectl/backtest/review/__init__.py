"""Review of an account: where the money of its last weeks went. Pure: the past comes in, figures come out."""
