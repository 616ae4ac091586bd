/** The index of `<pad>` in both alphabets; it fills a batch and is never read or spoken. */
export const PAD = 0;
/** The phone that starts the decoder. */
export const BOS = 1;
/** The phone that ends a word. */
export const EOS = 2;

/** The letters of the g2p model in index order. */
export const letters: readonly string[] = ["<pad>", "'", ..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/** The phones of the g2p model in index order: three marks, then ARPAbet without stress, alphabetically. */
export const phones: readonly string[] = [
  ..."<pad> <bos> <eos>".split(" "),
  ..."AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K".split(" "),
  ..."L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split(" "),
];
