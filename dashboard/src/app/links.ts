import type { AnyRouter } from '@tanstack/react-router';

/**
 * Plain links to other pages of the dashboard are followed without loading everything anew; those
 * that are for another tab, a download or the portal are left to the browser.
 */
export function followLinks(router: AnyRouter): void {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    const href = link?.getAttribute('href');
    if (link === null || href === null || href === undefined || !href.startsWith('/')) return;
    if (link.target !== '' || link.hasAttribute('download') || /^\/portal\b/.test(href)) return;
    event.preventDefault();
    router.history.push(href);
  });
}
