import { EXPORTED } from "../validate/exported.ts";

/** How to read a folder of vectors, for the person who finds it. */
export const vectorsReadme = (words: readonly string[]): string => `# Golden vectors

What every instruction of a program found in memory and what it left there, while an integer model read
${words.join(", ")}. \`shiftline vectors\` wrote this; \`shiftline validate --vectors FOLDER\` holds its machine against it.

- \`${EXPORTED.suite}/${EXPORTED.machine}\`: the machine's parameters (\`arch\`), the model's recipe, the words and what came of them.
- \`${EXPORTED.suite}/OPERATION.json\`: the cases of one operation, and its \`rule\`. \`shiftline isa OPERATION\` says what its fields are.
- \`${EXPORTED.suite}/${EXPORTED.tensors}/NAME.npy\`: a tensor for \`numpy.load\`, flat, in the smallest signed integer type that holds its width.
- \`${EXPORTED.suite}/${EXPORTED.tensors}/NAME.hex\`: the same for Verilog's \`$readmemh\`: a code a line, two's complement, whole hexadecimal digits.

A case:

    name   program and number of the instruction, counted from 0 as issued; equal ones are kept once
    times  how often it was executed
    text   the instruction in assembly, all addresses final
    p      its fields, by name
    in     operands by the field that points at them; \`scales+64\` lies 64 bytes behind what \`scales\` points at
    out    results, likewise

An operand has \`space\` (dram, data, weight, activation, table: \`from\` is a byte; acc: \`from\` is an accumulator),
\`count\` codes of \`bits\` bits each, the name of its \`tensor\`, and where it is not long its codes as \`data\`. A matrix lies
row after row, as the fields' descriptions give its shape. A gather's table is the one row that was picked: number \`row\`
of \`among / count\`. Operand and result of a move are its codes alone, in the order in which it comes by them: row after row.

Codes are signed. In memory they are packed without gaps: code i of an operand is in bits i * bits … (i + 1) * bits - 1
from its first byte on, the lowest bit of each byte first. Loads move bytes, which are given as packed. Multipliers in
table memory are stored 2^(bits - 1) lower than they are, as are tables of unsigned numbers.
`;
