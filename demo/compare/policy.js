// What the thresholds are fitted for, beside the fitted ones and 0.5. A part of the comparison: see script.js, whose
// variables it uses. The server fits them, on the validation rows of each model's run.

const share = (text) => Number(text) > 0 && Number(text) <= 1;
const weight = (text) => /^\d*\.?\d+$/.test(text) && Number(text) > 0;
const costs = (text) => text.split("/").length === 2 && text.split("/").every(weight);
// Each kind with the value that is proposed, and which values there are.
const POLICIES = { "f-beta": ["2", weight], precision: ["0.9", share], recall: ["0.9", share], cost: ["1/5", costs] };

const policyName = () => {
  const [kind, value] = policy.split("=");
  return zooText(`policy_${kind}`, { value });
};

/** Ask the server for the thresholds of a policy; they take the place of those that were set by hand. */
function followPolicy(wanted) {
  policy = wanted;
  for (const label of comparison.labels) chosen.set(label, null);
  trigger("submit");
}

/** The next answer goes without a policy that has just been told to be none. */
function forgetPolicy() {
  policy = "";
  zooAddress.write({ policy: null });
}

function policyPart() {
  const [kind, value] = policy.split("=");
  const choices = Object.keys(POLICIES).map((name) => make("option", { value: name }, zooText(`policy_choose_${name}`)));
  const none = make("option", { value: "" }, zooText("policy_none"));
  const onchange = () => {
    const name = all.policy.value;
    const filled = name === kind && value ? value : POLICIES[name]?.[0];
    followPolicy(name ? `${name}=${filled}` : "");
  };
  all.policy = make("select", { class: "zoo-field", onchange }, none, ...choices);
  all.policy.value = kind;
  all.policy.setAttribute("aria-label", zooText("policy"));
  if (!kind) return all.policy;
  const given = ({ target }) => {
    const text = target.value.trim().replace(",", ".");
    if (POLICIES[kind][1](text)) return followPolicy(`${kind}=${text}`);
    target.setAttribute("aria-invalid", "true");
    all.mode.textContent = zooText(`policy_value_${kind}`, { value: target.value });
  };
  const box = make("input", { class: "zoo-field zoo-number", value, "aria-label": zooText(`policy_choose_${kind}`), onchange: given });
  return make("span", { class: "zoo-policy" }, all.policy, box);
}

/** A policy holds as long as no threshold is set by hand. */
const markPolicy = (holds) => all.policy.classList.toggle("zoo-held", Boolean(policy) && holds);
