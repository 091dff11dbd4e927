/** What the consent dialogs say: in each site's own tone, with labels that differ from site to site. */

const TONES = [
  {
    title: 'Your privacy matters to us', accept: 'Accept all', reject: 'Reject all', choose: 'Manage options',
    text: (title, partners) => `${title} and ${partners} store and read information on your device, to measure visits and to choose advertising. You decide; the site works either way.`,
  },
  {
    title: 'Cookies on this site', accept: 'Allow all cookies', reject: 'Only necessary', choose: 'Let me choose',
    text: (title, partners) => `Some cookies keep ${title} running. With your permission, we and ${partners} use others for statistics and advertising.`,
  },
  {
    title: 'Before you go on', accept: 'I agree', reject: 'No, thank you', choose: 'Settings',
    text: (title, partners) => `May ${title} and ${partners} count your visit and show advertising that fits? You can change your mind at the foot of every page.`,
  },
];

const WITHOUT_TAGS = (title) => `${title} keeps a cookie for your session, and nothing else runs here today. Tell us what we may do should we one day wish to count visits.`;

/** {title, text, accept, reject, choose, colours} of one site. */
export function wordsOf({ site, title, bidders, tags, colours }) {
  const { text, ...labels } = TONES[site.length % TONES.length];
  const partners = `our ${(bidders ?? tags).length} partners`;
  return { ...labels, text: tags.length ? text(title, partners) : WITHOUT_TAGS(title), ...(colours ? { colours } : {}) };
}
