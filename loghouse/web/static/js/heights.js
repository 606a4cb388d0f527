// Heights of rows in chunks: where a row begins and which row lies at a place, without looking at every row.

const CHUNK = 256;

export class Heights {
  constructor() {
    this.clear();
  }

  clear() {
    this.chunks = [];
    this.length = 0;
    this.total = 0;
  }

  append(heights) {
    const last = this.chunks.at(-1);
    let at = 0;
    if (last && last.heights.length < CHUNK) {
      at = Math.min(CHUNK - last.heights.length, heights.length);
      last.heights.push(...heights.slice(0, at));
      last.sum = sum(last.heights);
    }
    this.chunks.push(...chunked(heights.slice(at)));
    this.#count();
  }

  prepend(heights) {
    this.chunks.unshift(...chunked(heights));
    this.#count();
  }

  /** Forget rows of the beginning. */
  dropFirst(count) {
    let left = count;
    while (left > 0 && this.chunks.length) {
      const chunk = this.chunks[0];
      if (chunk.heights.length <= left) {
        left -= chunk.heights.length;
        this.chunks.shift();
      } else {
        chunk.heights.splice(0, left);
        chunk.sum = sum(chunk.heights);
        left = 0;
      }
    }
    this.#count();
  }

  /** Forget rows of the end. */
  dropLast(count) {
    let left = count;
    while (left > 0 && this.chunks.length) {
      const chunk = this.chunks.at(-1);
      if (chunk.heights.length <= left) {
        left -= chunk.heights.length;
        this.chunks.pop();
      } else {
        chunk.heights.length -= left;
        chunk.sum = sum(chunk.heights);
        left = 0;
      }
    }
    this.#count();
  }

  set(index, height) {
    const [chunk, place] = this.#find(index);
    this.total += height - chunk.heights[place];
    chunk.sum += height - chunk.heights[place];
    chunk.heights[place] = height;
  }

  get(index) {
    const [chunk, place] = this.#find(index);
    return chunk.heights[place];
  }

  /** Where the row begins. */
  top(index) {
    let before = 0;
    let y = 0;
    for (const chunk of this.chunks) {
      if (index < before + chunk.heights.length) {
        for (let place = 0; place < index - before; place += 1) y += chunk.heights[place];
        return y;
      }
      before += chunk.heights.length;
      y += chunk.sum;
    }
    return y;
  }

  /** The row at a place; the last one below all. */
  at(y) {
    let before = 0;
    let top = 0;
    for (const chunk of this.chunks) {
      if (y < top + chunk.sum) {
        for (let place = 0; place < chunk.heights.length; place += 1) {
          top += chunk.heights[place];
          if (y < top) return before + place;
        }
      }
      before += chunk.heights.length;
      top += chunk.sum;
    }
    return Math.max(0, this.length - 1);
  }

  #find(index) {
    let before = 0;
    for (const chunk of this.chunks) {
      if (index < before + chunk.heights.length) return [chunk, index - before];
      before += chunk.heights.length;
    }
    throw new RangeError(`no row ${index}`);
  }

  #count() {
    this.length = this.chunks.reduce((count, chunk) => count + chunk.heights.length, 0);
    this.total = this.chunks.reduce((all, chunk) => all + chunk.sum, 0);
  }
}

function chunked(heights) {
  const chunks = [];
  for (let at = 0; at < heights.length; at += CHUNK) {
    const piece = heights.slice(at, at + CHUNK);
    chunks.push({ heights: piece, sum: sum(piece) });
  }
  return chunks;
}

const sum = (numbers) => numbers.reduce((all, each) => all + each, 0);
