use super::*;

fn words(address: &str) -> String {
    match address.parse().unwrap() {
        Address::Command { words, .. } => words.join(" "),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_forms_of_buildkits_client_are_known() {
    let address = |text: &str| text.parse::<Address>().unwrap();
    assert_eq!(address("unix:///run/buildkit/buildkitd.sock"), Address::Unix("/run/buildkit/buildkitd.sock".into()));
    assert_eq!(address("tcp://build.example.com:1234"), Address::Tcp { host: "build.example.com".into(), port: 1234 });
    assert_eq!(address("tcp://[::1]:1234"), Address::Tcp { host: "::1".into(), port: 1234 });
    assert_eq!(address("tcp://[::1]:1234").to_string(), "tcp://[::1]:1234");
    assert_eq!(address("docker://"), Address::Docker { context: None, host: None });
    assert_eq!(address("docker://arm-node"), Address::Docker { context: Some("arm-node".into()), host: None });
    assert_eq!(Address::docker("unix:///run/docker.sock"), Ok(Address::Unix("/run/docker.sock".into())));
    match Address::docker("ssh://me@build.example.com") {
        Ok(Address::Command { words, .. }) => {
            assert_eq!(words.join(" "), "ssh -T -l me -- build.example.com docker system dial-stdio");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(words("docker-container://builder"), "docker exec -i builder buildctl dial-stdio");
    assert_eq!(words("podman-container://builder"), "podman exec -i builder buildctl dial-stdio");
    assert_eq!(words("kube-pod://builder-0"), "kubectl exec -i builder-0 -- buildctl dial-stdio");
    assert_eq!(
        words("kube-pod://builder-0?context=prod&namespace=ci&container=buildkitd"),
        "kubectl --context=prod --namespace=ci exec -i --container=buildkitd builder-0 -- buildctl dial-stdio"
    );
    assert_eq!(words("ssh://build.example.com"), "ssh -T -- build.example.com buildctl dial-stdio");
    assert_eq!(
        words("ssh://me@build.example.com:2222"),
        "ssh -T -l me -p 2222 -- build.example.com buildctl dial-stdio"
    );
}

#[test]
fn nothing_in_an_address_becomes_an_option_of_a_program() {
    let refused = [
        "",
        "buildkitd.sock",
        "unix://buildkitd.sock",
        "tcp://build.example.com",
        "tcp://:1234",
        "tcp://a@b:1234",
        "tcp://host:99999",
        "http://build.example.com:1234",
        "docker://--name",
        "docker:///var/run/docker.sock",
        "docker-container://",
        "docker-container://--privileged",
        "docker-container://a b",
        "docker-container://a/b",
        "kube-pod://-n",
        "kube-pod://pod?kubeconfig=/tmp/x",
        "kube-pod://pod?namespace=",
        "kube-pod://pod?namespace=-x",
        "ssh://",
        "ssh://-oProxyCommand=x",
        "ssh://-l@host",
        "ssh://user:password@host",
        "ssh://host/run/socket",
        "unix:///a\nb",
    ];
    for text in refused {
        let error = text.parse::<Address>().expect_err(text);
        assert!(error.to_string().starts_with(&format!("`{text}` is no address of a BuildKit daemon: ")), "{error}");
    }
    for host in ["docker://", "ssh://-x", "fd://", "kube-pod://pod", "npipe:////./pipe/docker"] {
        assert!(Address::docker(host).is_err(), "{host}");
    }
}
