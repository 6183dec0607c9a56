// A text area for Python code, with the numbers of its lines.

export class Editor {
  // area: a <textarea>; numbers: an element beside it; original: the code to start with
  constructor(area, numbers, original) {
    Object.assign(this, {area, numbers, original});
    area.oninput = () => this.update();
    area.onkeydown = event => this.indent(event);
    area.defaultValue = original;  // what the reset of its form brings back
    area.form.addEventListener('reset', () => setTimeout(() => this.update()));
    this.update();
  }

  get text() { return this.area.value; }

  get changed() { return this.text !== this.original; }

  update() {
    const n = this.text.split('\n').length;
    this.area.rows = n;
    this.numbers.textContent = Array.from({length: n}, (_, k) => k + 1).join('\n');
    this.area.removeAttribute('aria-invalid');
  }

  // Enter keeps the indentation, and adds to it after a colon. Tab is left to move to the next element of the page.
  indent(event) {
    if (event.key !== 'Enter' || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
    const {selectionStart: start, selectionEnd: end} = this.area;
    const line = this.text.slice(0, start).split('\n').at(-1);
    event.preventDefault();
    this.area.setRangeText(`\n${line.match(/^ */)[0]}${line.trimEnd().endsWith(':') ? '    ' : ''}`, start, end, 'end');
    this.update();
  }

  // Selects a line, from 1, and moves to it.
  mark(line) {
    const lines = this.text.split('\n');
    const start = lines.slice(0, line - 1).join('\n').length + (line > 1);
    this.area.setAttribute('aria-invalid', 'true');
    this.area.focus();
    this.area.setSelectionRange(start, start + (lines[line - 1] ?? '').length);
  }
}
