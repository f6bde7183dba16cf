/** Tokens of one piece, flat: id, begin, end; bounds are UTF-16 units from the start of the piece. */
export type PieceTokens = Int32Array;
