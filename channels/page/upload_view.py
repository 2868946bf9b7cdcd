"""Where maintainers choose or drop documents, and the browser's part of sending them."""

from __future__ import annotations

from collections.abc import Sequence

from channels.page.safe import escape
from channels.page.words import both_spans, word

ERRORS = {
    "upload_kind": 2,
    "upload_name": 0,
    "upload_size": 1,
    "upload_many": 1,
    "upload_empty": 0,
    "upload_files": 1,
    "upload_broken": 0,
}
"""Why a document was not taken, as keys of words.yaml, and how many values each wording takes."""


def uploader_html(max_bytes: int, max_files: int, suffixes: Sequence[str]) -> str:
    """The place to drop documents on or choose them; `UPLOAD_SCRIPT` sends them."""
    kinds = " ".join(suffix.removeprefix(".") for suffix in suffixes)
    note = both_spans(lambda language: escape(word("upload_note", language, f"{max_bytes / 2**20:g}", max_files, kinds)))
    return (
        f'<label class="adv-drop" data-bytes="{max_bytes}" data-files="{max_files}"><input type="file" multiple '
        f'accept="{escape(",".join(suffixes))}"><b>{both_spans(lambda language: escape(word("upload", language)))}</b><small>{note}</small>'
        '<progress max="1" value="0" hidden></progress></label>'
    )


UPLOAD_SCRIPT = """
const send = (file, bar) => new Promise((resolve) => {
  const request = new XMLHttpRequest();
  request.open('PUT', 'documents/' + encodeURIComponent(file.name));
  request.setRequestHeader('X-Advisor', 'upload');
  request.upload.onprogress = (event) => { if (event.lengthComputable) bar.value = event.loaded / event.total; };
  request.onerror = () => resolve({ name: file.name, key: 'upload_broken', values: [] });
  request.onload = () => {
    let said = {};
    try { said = JSON.parse(request.responseText); } catch { /* not ours: the status tells */ }
    resolve({ name: file.name, ticket: said.ticket, key: said.ticket ? '' : said.key || 'upload_broken', values: said.values || [] });
  };
  request.send(file);
});
const take = async (files) => {
  const drop = element.querySelector('.adv-drop'), bar = drop.querySelector('progress'), sent = [];
  const most = Number(drop.dataset.files), bytes = Number(drop.dataset.bytes);
  bar.hidden = false;
  for (const [i, file] of [...files].entries()) {
    const key = i >= most ? 'upload_files' : file.size > bytes ? 'upload_size' : '';
    bar.value = 0;
    sent.push(key ? { name: file.name, key, values: [String(i >= most ? most : bytes / 1048576)] } : await send(file, bar));
  }
  bar.hidden = true;
  drop.querySelector('input').value = '';
  if (sent.length) trigger('upload', { files: sent });
};
element.addEventListener('change', (event) => { if (event.target.matches('input[type=file]')) take(event.target.files); });
for (const name of ['dragover', 'dragleave', 'drop']) {
  element.addEventListener(name, (event) => {
    event.preventDefault();
    element.querySelector('.adv-drop')?.classList.toggle('adv-over', name === 'dragover');
    if (name === 'drop') take(event.dataTransfer.files);
  });
}
"""
"""Runs in the browser: each document is sent on its own; when all are through, an event names their tickets."""
