// A text is unreadable below 4.5 : 1 (WCAG 2.2, 1.4.3), and cut where it is wider than its box.
() => {
  const parts = (colour) => {
    const found = colour.match(/[\d.]+/g).map(Number);
    const scale = colour.startsWith("color(") ? 255 : 1;
    return [...found.slice(0, 3).map((c) => c * scale), found[3] ?? 1];
  };
  const ground = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      const [r, g, b, a] = parts(getComputedStyle(at).backgroundColor);
      if (a > 0) layers.push([r, g, b, a]);
      if (a === 1) break;
    }
    return layers.reverse().reduce(
      (below, [r, g, b, a]) => [r, g, b].map((c, i) => c * a + below[i] * (1 - a)), [255, 255, 255]);
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const scrolls = (node) => ["auto", "scroll"].includes(getComputedStyle(node).overflowX);
  const faults = [];
  for (const node of document.querySelectorAll("main *, aside *, dialog[open] *")) {
    const seen = node.getClientRects().length && !node.closest("[hidden], .toggle, .skip, select, svg, .menu");
    if (!seen) continue;
    const what = `${node.tagName.toLowerCase()}.${node.className}: ${node.textContent.trim().slice(0, 60)}`;
    if (node.scrollWidth > node.clientWidth + 2 && node.clientWidth && !scrolls(node)
        && getComputedStyle(node).display !== "inline" && !node.closest(".topic")) faults.push(`cut ${what}`);
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || node.closest(".avatar")) continue;
    const [a, b] = [light(parts(getComputedStyle(node).color).slice(0, 3)), light(ground(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faults.push(`contrast ${contrast.toFixed(1)} ${what}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is wider than the screen");
  return faults;
}
