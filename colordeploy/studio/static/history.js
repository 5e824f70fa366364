// Undo and redo without end. States are never changed, only replaced, so that they share parts.

export class History {
  constructor(state) {
    this.reset(state);
  }

  reset(state) {
    this.states = [Object.freeze(state)];
    this.place = 0;
  }

  restore(states, place) {
    this.states = states.map((state) => Object.freeze(state));
    this.place = place;
    this.merging = false;
  }

  // The newest state with something added that is no step: what the service says of it.
  amend(changes) {
    this.states[this.place] = Object.freeze({ ...this.state, ...changes });
  }

  get state() {
    return this.states[this.place];
  }

  // `merge` replaces the newest state instead: a drag or a slider is one step.
  push(changes, merge = false) {
    const next = Object.freeze({ ...this.state, ...changes });
    this.states.length = this.place + 1;
    if (merge && this.place > 0 && this.merging) this.states[this.place] = next;
    else {
      this.states.push(next);
      this.place += 1;
    }
    this.merging = merge;
    return next;
  }

  get canUndo() {
    return this.place > 0;
  }

  get canRedo() {
    return this.place + 1 < this.states.length;
  }

  undo() {
    if (this.canUndo) this.place -= 1;
    this.merging = false;
    return this.state;
  }

  redo() {
    if (this.canRedo) this.place += 1;
    this.merging = false;
    return this.state;
  }

  // A drag has ended: the next change is a step of its own.
  settle() {
    this.merging = false;
  }
}
