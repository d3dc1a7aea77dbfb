// Shows sections of questions and keeps what is answered. Every change is sent until the server says that it is kept;
// until then the page says "Saving", and a reload of the tab finds it again. Foreign text only ever becomes text nodes.

const SECOND = 1000;
const RETRY = 4 * SECOND; // a server that restarts is back by then, or by the next time
const TYPING = 0.7 * SECOND; // quiet after the last key before a text is sent
const ARROWS = 0.4 * SECOND; // arrow keys pass through values that are not meant

const boards = new WeakMap();
const MANY = new Set(["multiple", "chips"]); // kinds of which any number of options may be chosen
const WIDGETS = { text: newText, slider: newSlider };

export default function ({ data, parentElement, setStateValue }) {
  // Made here and not by Streamlit, which would empty it when a new release of recux brings another style.
  const root = parentElement.querySelector(".board") ?? parentElement.appendChild(make("div", "board"));
  const shape = JSON.stringify(data.sections.map((s) => [s.id, s.questions.map((q) => [q.name, q.kind])]));
  const open = (window.recuxBoards ??= new Map()); // where the line finds its board, and the board its line
  const slot = open.get(data.store) ?? {};
  open.set(data.store, slot);
  let board = boards.get(root);
  if (board?.shape !== shape) {
    board?.stop();
    board = newBoard(root, data, shape, slot);
    boards.set(root, board);
  }
  board.wake = () => setStateValue("awake", Date.now());
  slot.update = () => {
    if (!slot.line) return;
    board.receive({ ...data, ...slot.line.data });
    showProgress(slot.line.root, slot.line.data.progress);
  };
  slot.update();
  return () => board.stop();
}

function newBoard(root, first, shape, slot) {
  const drafts = storage(first.store);
  const pending = new Map(Object.entries(drafts.read()));
  const tooLong = storage(`${first.store}.long`);
  const held = new Map(Object.entries(tooLong.read())); // texts that are too long to be sent, until they are shortened
  const board = { shape, wake: null, data: { ...first, saved: {}, settled: {}, problems: {} } };
  let sections = null;
  let sending = null;
  let retrying = null;
  let unwatch = null;
  let heard = true; // whether the line answered since the last sending
  let untold = false; // whether there was no line to send by

  board.said = (name) => pending.get(name) ?? board.data.saved[name] ?? null;

  board.held = (name) => held.get(name)?.text ?? null;

  board.hold = (name, text) => {
    pending.delete(name);
    drafts.write(pending);
    held.set(name, { text });
    tooLong.write(held);
  };

  board.change = (name, said, delay) => {
    if (held.delete(name)) tooLong.write(held);
    const base = board.data.saved[name]?.revision ?? null;
    pending.set(name, { value: null, text: null, refused: false, ...said, base, nonce: nonce() });
    drafts.write(pending);
    refresh();
    clearTimeout(sending);
    sending = setTimeout(send, delay);
  };

  board.flush = () => sending !== null && send();

  function send() {
    clearTimeout(sending);
    clearTimeout(retrying);
    sending = retrying = null;
    if (!pending.size) return;
    retrying = setTimeout(retry, RETRY);
    heard = false;
    untold = !slot.line;
    slot.line?.transmit(Object.fromEntries(pending));
  }

  // A restarted server does not know the line, but runs the whole page, and gets with that what was sent into the void.
  // Both at once would go as one message of the line, to nobody.
  function retry() {
    const busy = isBusy(); // sending again would only stop the run that is saving
    if (!busy && heard) return send();
    if (!busy) board.wake();
    retrying = setTimeout(retry, RETRY);
  }

  const leaving = () => document.visibilityState === "hidden" && board.flush();

  function refresh() {
    sections.forEach((section, i) => section.refresh(board.data.sections[i], pending));
  }

  board.receive = (data) => {
    board.data = data;
    heard = true;
    root.dir = data.direction;
    for (const [name, entry] of pending) {
      const known = name in data.saved;
      const overtaken = entry.restored && entry.base !== (data.saved[name]?.revision ?? null);
      if (data.settled[name] === entry.nonce || !known || overtaken) pending.delete(name);
    }
    drafts.write(pending);
    if (sections === null) {
      sections = data.sections.map((section) => newSection(board, section));
      root.replaceChildren(...sections.map((section) => section.element));
    }
    document.addEventListener("visibilitychange", leaving);
    unwatch ??= watch(sections.filter((section) => section.item), data.seen);
    refresh();
    if (!pending.size) clearTimeout(retrying);
    else if (sending === null && (untold || retrying === null)) sending = setTimeout(send, 0); // found again after a reload
  };

  board.stop = () => {
    board.flush();
    clearTimeout(retrying);
    unwatch?.();
    unwatch = null;
    document.removeEventListener("visibilitychange", leaving);
  };
  return board;
}

function newSection(board, section) {
  const element = make("section", "section");
  const card = section.card ? newCard(section.card) : null;
  const questions = section.questions.map((question) => (WIDGETS[question.kind] ?? newChoice)(board, question));
  element.append(...(card ? [card.element] : []), ...questions.map((question) => question.element));
  if (section.card) element.classList.add("framed");

  function refresh(now, pending) {
    card?.refresh(now.card);
    questions.forEach((question, i) => {
      const shown = isAsked(board, now.questions[i].when);
      question.element.hidden = !shown;
      if (shown) question.refresh(now.questions[i], pending.has(now.questions[i].name));
    });
  }
  return { element, refresh, id: section.id, item: Boolean(section.card) };
}

function isBusy() {
  return document.querySelector("[data-test-script-state]")?.dataset.testScriptState === "running";
}

function isAsked(board, when) {
  if (!when) return true;
  const value = board.said(when.question)?.value ?? null;
  return value !== null && value >= (when.at_least ?? -Infinity) && value <= (when.at_most ?? Infinity);
}

function newCard(first) {
  const element = make("div", "card");
  const picture = make("div", "picture");
  picture.setAttribute("aria-hidden", "true");
  picture.style.setProperty("--hue", first.hue);
  picture.textContent = first.initial;
  if (first.image) picture.append(newImage(first.image));
  const [title, facts, description, reason] = ["h2", "p", "p", "p"].map((tag) => make(tag));
  title.dir = description.dir = facts.dir = reason.dir = "auto";
  [facts, description, reason].forEach((one, i) => one.classList.add(["facts", "description", "reason"][i]));
  const about = make("div", "about");
  about.append(title, facts, description, reason);
  element.append(picture, about);

  function refresh(card) {
    title.textContent = card.title;
    facts.textContent = card.facts;
    description.textContent = card.description;
    reason.textContent = card.reason;
    for (const one of [facts, description, reason]) one.hidden = !one.textContent;
  }
  return { element, refresh };
}

function newImage(address) {
  const image = make("img");
  image.alt = "";
  image.loading = "lazy";
  image.referrerPolicy = "no-referrer";
  image.addEventListener("error", () => image.remove()); // the placeholder behind it shows
  image.src = address;
  return image;
}

function newChoice(board, first) {
  const element = make("fieldset", `choice ${first.kind}`);
  const legend = make("legend");
  const row = make("div", "options");
  const ends = newEnds();
  const many = MANY.has(first.kind);
  const group = nonce();
  const options = first.options.map((option) => newOption(group, option, first.kind));
  const refusal = newRefusal(first, group, many);
  const status = newStatus();
  row.append(...options.map((option) => option.element));
  element.append(legend, row, ends.element, newFoot(refusal, status));

  let keys = false;
  element.addEventListener("keydown", () => (keys = true));
  element.addEventListener("pointerdown", () => (keys = false));
  element.addEventListener("change", ({ target }) => board.change(first.name, said(target), keys ? ARROWS : 0));
  element.addEventListener("focusout", ({ relatedTarget }) => element.contains(relatedTarget) || board.flush());

  function said(target) {
    if (target.value === "refused") return target.checked ? { refused: true } : { text: "" };
    if (!many) return { value: Number(target.value) };
    return { text: options.flatMap((option, i) => (option.input.checked ? [first.options[i].value] : [])).join(";") };
  }

  function refresh(question, waiting) {
    legend.replaceChildren(question.text, ...hidden(question.about));
    ends.label(question.ends);
    options.forEach((option, i) => option.label(question.options[i]));
    refusal?.label(question.refusal);
    const now = board.said(question.name);
    const chosen = many ? (now?.text ?? "").split(";").filter(Boolean).map(Number) : [now?.value];
    const last = question.options.findIndex((option) => option.value === now?.value);
    options.forEach((option, i) => option.mark(chosen.includes(question.options[i].value), i <= last));
    refusal?.mark(Boolean(now?.refused), false);
    status.show(board, question, waiting);
  }
  return { element, refresh };
}

function newOption(group, option, kind) {
  const element = make("label", kind === "refusal" ? "refusal" : "option");
  const input = make("input");
  input.type = MANY.has(kind) ? "checkbox" : "radio";
  input.name = group;
  input.value = option.value;
  const face = make("span", "face");
  element.append(input, face);

  function label({ text, spoken }) {
    face.textContent = kind === "stars" ? "★" : text;
    if (spoken) input.setAttribute("aria-label", spoken);
  }
  function mark(chosen, filled) {
    input.checked = chosen;
    element.classList.toggle("filled", filled && kind === "stars");
  }
  return { element, input, label, mark };
}

function newRefusal(question, group, independent) {
  if (!question.refusal) return null;
  const refusal = newOption(group, { value: "refused" }, "refusal");
  if (independent) refusal.input.type = "checkbox";
  return refusal;
}

function newFoot(refusal, status) {
  const foot = make("div", "foot");
  foot.append(...(refusal ? [refusal.element] : []), status.element);
  return foot;
}

function newEnds() {
  const element = make("div", "ends");
  element.append(make("span"), make("span"));
  element.setAttribute("aria-hidden", "true"); // the options themselves say it
  function label(ends) {
    element.hidden = !ends;
    ends?.forEach((text, i) => (element.children[i].textContent = text));
  }
  return { element, label };
}

// A slider has no handle until it is used: a handle in the middle would be an answer that nobody gave.
function newSlider(board, first) {
  const element = make("fieldset", "slider");
  const legend = make("legend");
  const row = make("div", "options");
  const input = make("input");
  const output = make("span", "number");
  output.setAttribute("aria-hidden", "true"); // the slider says it
  const ends = newEnds();
  const refusal = newRefusal(first, nonce(), true);
  const status = newStatus();
  Object.assign(input, { type: "range", min: first.low, max: first.high, step: (first.high - first.low) / 100 });
  row.append(input, output);
  element.append(legend, row, ends.element, newFoot(refusal, status));

  const answer = () => board.change(first.name, { value: Number(input.value) }, ARROWS);
  input.addEventListener("input", answer);
  input.addEventListener("pointerup", answer); // a click on the very middle changes nothing, but is an answer
  input.addEventListener("blur", board.flush);
  refusal?.input.addEventListener("change", ({ target }) =>
    board.change(first.name, target.checked ? { refused: true } : { text: "" }, 0),
  );

  function refresh(question, waiting) {
    legend.replaceChildren(question.text, ...hidden(question.about));
    input.setAttribute("aria-label", question.text);
    ends.label(question.ends);
    refusal?.label(question.refusal);
    const now = board.said(question.name);
    const value = now?.value ?? null;
    input.classList.toggle("untouched", value === null);
    input.setAttribute("aria-valuetext", value === null ? "–" : String(value));
    output.textContent = value === null ? "–" : String(value);
    if (value !== null) input.value = value;
    refusal?.mark(Boolean(now?.refused), false);
    status.show(board, question, waiting);
  }
  return { element, refresh };
}

function newText(board, first) {
  const element = make("div", "text");
  const label = make("label");
  const refusal = newRefusal(first, nonce(), true);
  const area = make("textarea");
  area.id = nonce();
  area.rows = 3;
  area.dir = "auto";
  label.htmlFor = area.id;
  const status = newStatus();
  element.append(label, area, newFoot(refusal, status));
  if (refusal) {
    label.id = nonce();
    element.setAttribute("role", "group"); // so that it is said what one would rather not say
    element.setAttribute("aria-labelledby", label.id);
  }

  area.addEventListener("input", () => {
    if (excess(area, first) > 0) board.hold(first.name, area.value);
    else board.change(first.name, { text: area.value }, TYPING);
    status.warn(board, excess(area, first));
  });
  area.addEventListener("blur", board.flush);
  refusal?.input.addEventListener("change", ({ target }) => {
    if (target.checked) area.value = "";
    board.change(first.name, target.checked ? { refused: true } : { text: "" }, 0);
  });

  function refresh(question, waiting) {
    refusal?.label(question.refusal);
    refusal?.mark(Boolean(board.said(question.name)?.refused), false);
    label.replaceChildren(question.text, ...hidden(question.about));
    const text = board.held(question.name) ?? board.said(question.name)?.text ?? "";
    const typing = area.getRootNode().activeElement === area;
    if (!typing && !waiting && excess(area, question) <= 0 && area.value !== text) area.value = text;
    if (waiting && area.value === "" && text && !typing) area.value = text; // found again after a reload
    if (excess(area, question) > 0) status.warn(board, excess(area, question));
    else status.show(board, question, waiting);
  }
  return { element, refresh };
}

function newStatus() {
  const element = make("p", "status");
  element.setAttribute("role", "status");
  let busy = false;

  function show(board, question, waiting) {
    const problem = board.data.problems[question.name];
    const { saving, saved, unanswered } = board.data.words;
    if (waiting) say(saving, false);
    else if (problem) say(problem, true);
    else if (board.data.marked && question.refusal && !board.said(question.name)) say(unanswered, true);
    else if (busy || element.textContent) say(saved, false); // nothing is said about what was there before
    busy = waiting;
  }
  function warn(board, excess) {
    if (excess > 0) say(board.data.words.too_long.replace("{excess}", excess), true);
  }
  function say(text, bad) {
    element.classList.toggle("bad", bad);
    if (element.textContent !== text) element.textContent = text;
  }
  return { element, show, warn };
}

function excess(area, question) {
  return [...area.value].length - question.longest;
}

function hidden(text) {
  if (!text) return [];
  const element = make("span", "unseen");
  element.textContent = ` ${text}`;
  return [element];
}

// Answers that are on their way or cannot go yet, for the time of a reload. Without storage (private windows) they live in memory only.
function storage(key) {
  const read = () => {
    try {
      const kept = JSON.parse(sessionStorage.getItem(key) ?? "{}");
      return Object.fromEntries(Object.entries(kept).map(([name, entry]) => [name, { ...entry, restored: true }]));
    } catch {
      return {};
    }
  };
  const write = (pending) => {
    try {
      if (pending.size) sessionStorage.setItem(key, JSON.stringify(Object.fromEntries(pending)));
      else sessionStorage.removeItem(key);
    } catch {
      // the server keeps them in a moment
    }
  };
  return { read, write };
}

function make(tag, name = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  return element;
}

function nonce() {
  return Math.random().toString(36).slice(2); // no crypto.randomUUID: it is missing on plain http
}
