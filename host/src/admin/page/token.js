// The token for changes: taken from the address (#token=…) or asked for, kept in this tab and nowhere else.

import { byId, setText } from "./dom.js";

const KEY = "token";

export const hasToken = () => sessionStorage.getItem(KEY) !== null;
export const forgetToken = () => sessionStorage.removeItem(KEY);

// Takes the token out of the address, where it could be seen or copied with it.
export function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (!token) return;
  sessionStorage.setItem(KEY, token);
  history.replaceState(null, "", location.pathname + location.search);
}

export const showTokenFile = (path) => setText(byId("token-file"), path);

// Asks for the token; null when the person does not give one.
function ask() {
  const [dialog, input] = [byId("token-dialog"), byId("token")];
  input.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const token = dialog.returnValue === "use" ? input.value.trim() : "";
      input.value = "";
      if (token) sessionStorage.setItem(KEY, token);
      resolve(token || null);
    }, { once: true });
  });
}

// Posts with the token, which is asked for where there is none.
export async function send(path, body) {
  const token = sessionStorage.getItem(KEY) ?? await ask();
  if (token === null) return { isDone: false, answer: { title: "Nothing was changed", detail: "a change needs the token" } };
  const response = await fetch(path, { method: "POST", headers: { authorization: `Bearer ${token}` }, body });
  if (response.status === 401) {
    forgetToken();
    return { isDone: false, answer: { title: "The token is not the one of this process", detail: "try again with the one in its file" } };
  }
  const text = await response.text();
  try {
    return { isDone: response.ok, answer: JSON.parse(text) };
  } catch {
    return { isDone: false, answer: { title: `The answer was ${response.status}`, detail: text.slice(0, 200) } };
  }
}
