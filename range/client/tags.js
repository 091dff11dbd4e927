// How site code starts third-party tags: load the script, wait for the consent manager.

export function load(src) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = src;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${src} did not load`));
    document.head.append(script);
  });
}

/** Calls start once, when the visitor has made a choice (now or on an earlier page) and accepts(categories) holds. */
export function onChoice(accepts, start) {
  let started = false;
  const decide = () => {
    const { acceptedCategories } = window.CookieConsent.getUserPreferences();
    if (started || !accepts(acceptedCategories)) return;
    started = true;
    start();
  };
  if (window.CookieConsent.validConsent()) decide();
  window.addEventListener('cc:onConsent', decide);
}

export function cookie(name) {
  return document.cookie.match(new RegExp(`(?:^|; )${name}=([^;]+)`))?.[1];
}
