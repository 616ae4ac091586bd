/** An element of the page that is known to be there. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

export function within(parent: ParentNode, selector: string): HTMLElement {
  const found = parent.querySelector<HTMLElement>(selector);
  if (found === null) throw new Error(`the page has no ${selector}`);
  return found;
}

/** A new element; its text is text, whatever is in it. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>> = {},
  ...content: readonly (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...content);
  return element;
}

/** A select: what may be chosen, what is, and who is told. */
export interface Choice {
  readonly label: string;
  readonly options: readonly { readonly name: string; readonly doc: string }[];
  readonly value: string;
  readonly set: (name: string) => void;
}

export function chooser({ label, options, value, set }: Choice, changed: () => void): HTMLElement {
  const select = make(
    "select",
    {},
    ...options.map(({ name, doc }) => make("option", { value: name, title: doc }, name.replaceAll("_", " "))),
  );
  select.value = value;
  select.addEventListener("change", () => {
    set(select.value);
    changed();
  });
  return make("label", {}, label, " ", select);
}
